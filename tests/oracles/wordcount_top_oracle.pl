#!/usr/bin/perl
# Word frequencies' oracle: random texts, counted here by Perl's own means (lc, split, sort) and by the kernel through
# its driver.
#
#   wordcount_top_oracle.pl DRIVER [CASES [SEED]]
#
# Prints the seed, and the first failing case in full; exits 1 if there is one. Bytes that are no UTF-8 stand in Perl's
# strings as private characters without case. Only characters assigned by Unicode 14 or before are used, so that Perl's
# tables and libunistring's agree on them.
use strict;
use warnings;
use feature 'unicode_strings'; # or lc goes by bytes where a text happens to fit Latin-1
use Encode qw(encode decode);
use File::Temp qw(tempfile);

my ($driver, $cases, $seed) = @ARGV;
die "usage: $0 DRIVER [CASES [SEED]]\n" unless defined $driver;
$cases //= 2000;
$seed  //= $$ ^ time;
srand $seed;
print "seed $seed, $cases cases, Perl $^V\n";

use constant STRAY => 0x10ff00; # plus the byte

sub pick { return $_[ int rand @_ ] }

my @ascii      = map { chr } 0x21 .. 0x7e;
my @characters = map { chr }
    0 .. 8, 0xe .. 0x1f, 0x7f, 0x80 .. 0x84, 0x86 .. 0x9f,      # controls that are no spaces
    0xa1 .. 0x17f, 0x180 .. 0x24f,                           # Latin, with U+0130, U+023A
    0x370 .. 0x377, 0x391 .. 0x3a1, 0x3a3 .. 0x3ff,          # Greek, all three sigmas
    0x400 .. 0x52f, 0x531 .. 0x556, 0x5d0 .. 0x5ea, 0x620 .. 0x64a, 0x905 .. 0x939,
    0x10a0 .. 0x10c5, 0x1c90 .. 0x1cba, 0x10d0 .. 0x10fa,    # three Georgian alphabets
    0x13a0 .. 0x13f5, 0xab70 .. 0xabbf,                      # Cherokee
    0x180e, 0x1e00 .. 0x1f15, 0x1f80 .. 0x1faf,              # no space any more; Latin and Greek with accents
    0x200b .. 0x2027, 0x202a .. 0x202e, 0x2060, 0xfeff,      # neighbours of spaces
    0x2126, 0x212a, 0x212b, 0x2160 .. 0x2188, 0x24b6 .. 0x24e9, 0x2c00 .. 0x2c2e, 0x2c60 .. 0x2c7f,
    0x3001, 0x3041 .. 0x3050, 0x4e00 .. 0x4e20, 0xa640 .. 0xa66d, 0xa722 .. 0xa7ca, 0xac00 .. 0xac10,
    0xff21 .. 0xff3a, 0x10400 .. 0x1044f, 0x104b0 .. 0x104d3, 0x10c80 .. 0x10cb2, 0x118a0 .. 0x118bf,
    0x16e40 .. 0x16e5f, 0x1e900 .. 0x1e943, 0x1f600;
my @strays = map { chr STRAY + $_ } 0x80, 0x85, 0xa0, 0xa8, 0xbf, 0xc0, 0xc2, 0xe1, 0xe2, 0xe3, 0xed, 0xf0, 0xf4, 0xff;
my @spaces = (' ', ' ', ' ', ' ', ' ', "\n", "\r\n", "\t", '  ', map { chr }
    0x0b, 0x0c, 0x85, 0xa0, 0x1680, 0x2000 .. 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000);

# Private characters to the bytes they stand for. These may form characters together: decode_bytes finds them.
sub encode_text {
    my ($text) = @_;
    return join '', map { ord >= STRAY ? chr(ord() - STRAY) : encode('UTF-8', $_) } split //, $text;
}

my $well_formed = qr/[\x00-\x7f]
    | [\xc2-\xdf][\x80-\xbf]
    | \xe0[\xa0-\xbf][\x80-\xbf] | [\xe1-\xec\xee\xef][\x80-\xbf]{2} | \xed[\x80-\x9f][\x80-\xbf]
    | \xf0[\x90-\xbf][\x80-\xbf]{2} | [\xf1-\xf3][\x80-\xbf]{3} | \xf4[\x80-\x8f][\x80-\xbf]{2}/xs;

sub decode_bytes {
    my ($bytes) = @_;
    my $text = '';
    while ($bytes =~ /\G(?:($well_formed)|(.))/gs) {
        $text .= defined $1 ? decode('UTF-8', "$1") : chr(STRAY + ord $2);
    }
    return $text;
}

sub random_word {
    my ($stock) = @_;
    return join '', map { rand() < 0.02 ? pick(@strays) : pick(@$stock) } 1 .. 1 + int rand(rand() < 0.1 ? 40 : 6);
}

# A few different words in upper and lower case, so that many are the same.
sub random_text {
    my $kind  = int rand 4;
    my @stock = $kind == 0 ? @ascii : $kind == 1 ? ('a', 'b', 'A') : map { pick(@characters) } 1 .. ($kind == 2 ? 4 : 80);
    my @words = map { random_word(\@stock) } 1 .. 1 + int rand 30;
    my @gaps  = rand() < 0.5 ? (' ', "\n") : rand() < 0.2 ? ("\x{3000}", "\xa0") : @spaces;
    my $text  = rand() < 0.2 ? pick(@gaps) : '';
    for (1 .. int rand(rand() < 0.1 ? 1500 : 60)) {
        my $word = pick(@words);
        $text .= rand() < 0.2 ? uc $word : rand() < 0.2 ? lc $word : $word;
        $text .= rand() < 0.02 ? pick(@strays) : pick(@gaps);
    }
    return $text . pick(@words, '');
}

sub answer {
    my ($bytes, $k) = @_;
    my %counts;
    my $words = 0;
    for my $word (split /\p{White_Space}+/, lc decode_bytes($bytes)) {
        next if $word eq '';
        $counts{ unpack 'H*', encode_text($word) }++;
        $words++;
    }
    my @order = sort { $counts{$b} <=> $counts{$a} || $a cmp $b } keys %counts;
    my $distinct = @order;
    $#order = $k - 1 if @order > $k;
    return join "\n", "$words $distinct " . @order, map { "$counts{$_} $_" } @order;
}

my ($file, $path) = tempfile(UNLINK => 1);
binmode $file;
my (@inputs, @expected);
my $repeated = 0;
for (1 .. $cases) {
    my $bytes = encode_text(random_text());
    my $k = pick(0, 1, 3, 10, 1000);
    print {$file} pack('VV', $k, length $bytes), $bytes;
    push @inputs, $bytes;
    push @expected, answer($bytes, $k);
    $repeated++ if $expected[-1] =~ /\n(?!1 )/;
}
close $file or die "$path: $!\n";
# Cases in which no word comes twice prove little; there must be many of the others.
die "only $repeated of $cases cases repeat a word\n" if $repeated < $cases / 4;

open my $saved, '<&', \*STDIN or die "stdin: $!\n";
open STDIN, '<', $path or die "$path: $!\n";
my $child = open(my $answers, '-|') // die "fork: $!\n";
exec {$driver} $driver or die "$driver: $!\n" if !$child; # a path with a space in it is one word only like that

sub visible { return join '', map { /[!-~ ]/ ? $_ : sprintf '<%02x>', ord } split //, $_[0] }

for my $i (0 .. $cases - 1) {
    my $head = <$answers>;
    die "the driver ended at case $i\n" unless defined $head;
    my @lines = ($head, map { scalar <$answers> } 1 .. (split / /, $head)[2]);
    chomp @lines;
    my $found = join "\n", @lines;
    next if $found eq $expected[$i];
    printf "case %d\nexpected:\n%s\nkernel says:\n%s\ntext: %s\n", $i, $expected[$i], $found, visible($inputs[$i]);
    exit 1;
}
close $answers or die "$driver failed: $?\n";
print "all agree; $repeated cases repeat a word\n";
