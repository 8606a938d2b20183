#!/usr/bin/perl
# Totals against GNU wc itself, in the locale C.UTF-8: every character of Unicode, generated text of several scripts, text
# with bytes that are no UTF-8, random bytes.
#
#   wordcount_totals_oracle.pl DRIVER [CASES [SEED [WC]]]
#
# wordcount_totals.h follows wc's rule of words from coreutils 9.5 on. Before that (Debian 12 has 9.1) a word began only
# with a printable character, and encoding errors were passed over, and so were U+2028 and U+2029: with such a wc, words
# are compared where the two rules agree, which is on valid text of printable characters and other spaces, and for what
# ends a word on every other character of Unicode. The other three numbers are always compared.
#
# Every text is shorter than 256 KiB, wc's buffer: from 9.5 to 9.7 it miscounts a character that the buffer cuts.
# Prints the seed, and the first text that differs; exits 1 if there is one.
use strict;
use warnings;
use Encode qw(encode);
use File::Temp qw(tempdir);

my ($driver, $cases, $seed, $wc) = @ARGV;
die "usage: $0 DRIVER [CASES [SEED [WC]]]\n" unless defined $driver;
$cases //= 400;
$seed  //= $$ ^ time;
$wc    //= 'wc';
srand $seed;
$ENV{LC_ALL} = 'C.UTF-8';
delete $ENV{POSIXLY_CORRECT};

sub lines_of {
    open my $output, '-|', @_ or die "$_[0]: $!\n";
    my @lines = <$output>;
    close $output or die "$_[0] failed: $?\n";
    return @lines;
}

my ($version) = (lines_of($wc, '--version'))[0] =~ /GNU coreutils\) (\d+\.\d+)/ or die "$wc isn't GNU wc\n";
my ($major, $minor) = split /\./, $version;
my $same_rule = $major > 9 || ($major == 9 && $minor >= 5);
print "seed $seed, $cases cases, wc $version, words of ", $same_rule ? 'all' : 'printable', " texts compared\n";

sub pick { return $_[ int rand @_ ] }

my @spaces = map { chr }
    0x09 .. 0x0d, 0x20, 0xa0, 0x1680, 0x2000 .. 0x200a, ($same_rule ? (0x2028, 0x2029) : ()), 0x202f, 0x205f, 0x2060, 0x3000;
# Ranges in which every character is assigned and printable.
my @scripts = map { [ map { chr } $_->[0] .. $_->[1] ] }
    [ 0x21, 0x7e ], [ 0xa1, 0xac ], [ 0xc0, 0x17f ], [ 0x391, 0x3a1 ], [ 0x410, 0x44f ], [ 0x5d0, 0x5ea ], [ 0x620, 0x64a ],
    [ 0x905, 0x939 ], [ 0x10d0, 0x10fa ], [ 0x13a0, 0x13f4 ], [ 0x2010, 0x2027 ], [ 0x2030, 0x205e ], [ 0x3001, 0x303e ],
    [ 0x3041, 0x3096 ], [ 0x4e00, 0x4fff ], [ 0xac00, 0xacff ], [ 0x1f600, 0x1f64f ], [ 0x20000, 0x200ff ];
my @unprintable = map { chr } 0 .. 8, 0x0e .. 0x1f, 0x7f .. 0x9f, 0x378, 0x200e, 0xe000, 0xfffe, 0xffff, 0x10ffff;
my @broken = map { pack 'H*', $_ } qw(
    80 bf c0 c1 c2 df e0 e1 e2 ed ef f0 f4 f7 f8 fb fc fd fe ff c080 c1bf e08080 e09fbf e0a080 ed9fbf eda080 edbfbf
    f0808080 f08fbfbf f0908080 f48fbfbf f4908080 f7bfbfbf f880808080 f887bfbfbf f888808080 fbbfbfbfbf fc8080808080
    fc83bfbfbfbf fc8480808080 fdbfbfbfbfbf e280 e380 f09f98 f8888080 fdbfbfbfbf e18e e28180);

sub random_text {
    my ($kind) = @_;
    my $length = int rand(rand() < 0.1 ? 20000 : 200);
    return join '', map { chr int rand 256 } 1 .. $length if $kind eq 'bytes';
    my @chars = (@{ pick(@scripts) }, @{ pick(@scripts) });
    my $text = '';
    while (length $text < $length) {
        my $unusual = $kind ne 'printable' && rand() < 0.1;
        $text .=
              $unusual && $kind eq 'broken' ? pick(@broken)
            : $unusual                      ? encode('UTF-8', pick(@unprintable))
            : rand() < 0.2                  ? encode('UTF-8', rand() < 0.5 ? ' ' : pick(@spaces))
            :                                 encode('UTF-8', pick(@chars));
    }
    return $kind eq 'broken' ? substr $text, 0, $length : $text;
}

# What may stand inside a word is one word with the letters around it, a space makes two: the same by all versions.
sub each_character {
    my ($from, $to) = @_;
    my @codes = grep { $_ < 0xd800 || $_ > 0xdfff } $from .. $to;
    @codes = grep { $_ != 0x2028 && $_ != 0x2029 } @codes unless $same_rule;
    return join '', map { 'x' . encode('UTF-8', chr) . 'x ' } @codes;
}

{
    no warnings 'nonchar';
    my @texts = map { [ 'characters', each_character($_ << 12, ($_ << 12) + 0xfff) ] } 0 .. 0x10f;
    for my $i (1 .. $cases) {
        my $kind = (qw(printable valid broken bytes))[ $i % 4 ];
        push @texts, [ $kind, random_text($kind) ];
    }
    my $folder = tempdir(CLEANUP => 1);
    my @paths;
    for my $i (0 .. $#texts) {
        push @paths, "$folder/$i";
        open my $file, '>:raw', $paths[-1] or die "$paths[-1]: $!\n";
        print {$file} $texts[$i][1];
        close $file or die "$paths[-1]: $!\n";
    }
    my @expected = lines_of($wc, '-lwmc', @paths);
    my @answers = lines_of($driver, @paths);
    die "asked for " . @paths . " texts, got " . @answers . " answers\n" unless @answers == @paths;
    for my $i (0 .. $#texts) {
        my ($kind, $text) = @{ $texts[$i] };
        my @wanted = $expected[$i] =~ /\d+/g;
        my @got = $answers[$i] =~ /\d+/g;
        my @compared = $same_rule || $kind =~ /characters|printable/ ? (0 .. 3) : (0, 2, 3);
        next if @got == 4 && !grep { $got[$_] != $wanted[$_] } @compared;
        printf "text %d (%s): wc says lines, words, chars, bytes %s, simple and what differs from it %s\n%s\n", $i, $kind,
            "@wanted[0 .. 3]", "@got", unpack 'H*', substr $text, 0, 1000;
        exit 1;
    }
    print "all agree\n";
}
