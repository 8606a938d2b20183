#!/usr/bin/perl
# Word count's oracle: random texts, counted here by Perl's own means and by the kernel through its driver.
#
#   wordcount_oracle.pl DRIVER [CASES [SEED]]
#
# The definitions are Rust's `text.lines()`, `line.split(' ')` and then `==` (exact), or the walk over characters that
# wordcount.h describes (letters), put differently: lower-case the word character by character, then compare a prefix;
# or splitting at Perl's White_Space (words).
# Prints the seed, and the first failing case in full; exits 1 if there is one.
# Only characters assigned by Unicode 14 or before are used, so that Perl's tables and libunistring's agree on them.
use strict;
use warnings;
use feature 'unicode_strings'; # or lc and uc go by bytes where a text happens to fit Latin-1
use Encode qw(encode decode);
use File::Temp qw(tempfile);

my ($driver, $cases, $seed) = @ARGV;
die "usage: $0 DRIVER [CASES [SEED]]\n" unless defined $driver;
$cases //= 9000;
$seed  //= $$ ^ time;
srand $seed;
print "seed $seed, $cases cases, Perl $^V\n";

sub pick { return $_[ int rand @_ ] }

my @ascii = map { chr } 0x21 .. 0x7e;
my @letters = (
    'a' .. 'z', 'A' .. 'Z',
    map { chr }
        0xaa, 0xb5, 0xba, 0xc0 .. 0xd6, 0xdf .. 0xf6, 0xff,       # Latin-1, with sharp s
        0x100 .. 0x17f,                                          # U+0130, U+0131, long s
        0x1c4 .. 0x1cc, 0x1f1 .. 0x1f3,                          # titlecase
        0x391 .. 0x3a1, 0x3a3 .. 0x3c9, 0x1f80 .. 0x1f88,        # Greek, both sigmas, iota subscripts
        0x410 .. 0x44f, 0x531 .. 0x556, 0x561 .. 0x586,          # Cyrillic, Armenian
        0x5d0 .. 0x5ea, 0x620 .. 0x64a, 0x905 .. 0x939,          # Hebrew, Arabic, Devanagari
        0x10a0 .. 0x10c5, 0x1c90 .. 0x1cba, 0x10d0 .. 0x10fa,    # three Georgian alphabets
        0x13a0 .. 0x13a5, 0xab70 .. 0xab75,                      # Cherokee
        0x1e9e, 0x2126, 0x212a, 0x212b,                          # capital sharp s, Ohm, Kelvin, Angstrom
        0x2160 .. 0x2188, 0x24b6 .. 0x24e9,                      # Roman numerals, circled letters
        0x3041 .. 0x3050, 0x4e00 .. 0x4e20, 0xac00 .. 0xac10,    # kana, Han, Hangul
        0x10400 .. 0x10410, 0x10428 .. 0x10438, 0x1e900 .. 0x1e943, 0x20000 .. 0x20004,
);
my @others = (
    '0' .. '9', '-', '.', ',', ';', '"', "'", '(', ')', "\t", "\0", "\r", "\x0b", "\x0c",
    map { chr }
        0x85, 0xa0, 0xb2, 0xbd, 0xd7, 0xf7, 0x300 .. 0x308, 0x345, 0x483, 0x5b0, 0x64b, 0x93c, 0x93f, 0x94d,
        0x660 .. 0x663, 0x2013, 0x2019, 0x201c, 0x201d, 0x2028, 0x200b, 0x200d, 0x20dd, 0x2460, 0x3000, 0x3007,
        0xfeff, 0xfffd, 0x1d7ce, 0x1f600, 0x1f130,
);
my @white = map { chr } grep { chr =~ /\p{White_Space}/ } 0 .. 0x3100;
my @separators = (' ', ' ', ' ', ' ', ' ', '  ', '    ', "\n", "\r\n", "\r\n", " \r\n", "\n\n", "\r\r\n", "\n\r");

sub random_word {
    my ($stock) = @_;
    my $word = '';
    $word .= pick(@others) while rand() < 0.15;
    for (1 .. 1 + int rand(rand() < 0.1 ? 20 : 5)) {
        $word .= rand() < 0.08 ? pick(@others) : pick(@$stock);
    }
    $word .= pick(@others) while rand() < 0.2;
    return $word;
}

# A few different words, in lower and upper case, so that needles are met often.
sub random_text {
    my ($white) = @_;
    my $kind = int rand 4;
    my @stock = $kind == 0 ? @ascii : $kind == 1 ? ('a', 'b') : map { pick(@letters) } 1 .. ($kind == 2 ? 4 : 60);
    my @words = map { random_word(\@stock) } 1 .. 1 + int rand 12;
    my $text = rand() < 0.2 ? pick(@separators) : '';
    for (1 .. int rand(rand() < 0.1 ? 600 : 40)) {
        my $word = pick(@words);
        $text .= rand() < 0.2 ? uc $word : rand() < 0.2 ? lc $word : $word;
        $text .= rand() < 0.03 ? pick(@others) : rand() < $white ? pick(@white) : pick(@separators);
    }
    $text .= pick(@words, "\r", "\n", "\r\n", '');
    return ($text, @words);
}

sub first_lower { return join '', map { substr lc, 0, 1 } split //, $_[0] }

sub random_needle {
    my ($text, @words) = @_;
    my $needle = pick(@words);
    my $kind = int rand 10;
    $needle =~ s/\A\P{Alphabetic}+// if $kind > 0;
    $needle =~ s/\P{Alphabetic}.*//s if $kind > 2;
    $needle = first_lower($needle)   if $kind > 4;
    $needle = substr $needle, 0, 1 + int rand length $needle if rand() < 0.2;
    $needle .= "\r" if rand() < 0.05;
    $needle .= pick(' ', "\n", ' x', 'x' x 30, $text) if rand() < 0.03;
    return length $needle ? $needle : pick(@letters);
}

sub words_of {
    my ($text) = @_;
    my @lines = split /\n/, $text, -1;
    s/\r\z// for @lines[ 0 .. $#lines - 1 ];
    return map { split / /, $_, -1 } @lines;
}

sub count_exact {
    my ($text, $needle) = @_;
    return scalar grep { $_ eq $needle } words_of($text);
}

sub count_letters {
    my ($text, $needle) = @_;
    my $count = 0;
    for my $word (words_of($text)) {
        $word =~ s/\A\P{Alphabetic}+//;
        my $n = length $needle;
        next if length $word < $n || first_lower(substr $word, 0, $n) ne $needle;
        $count++ if length $word == $n || substr($word, $n, 1) !~ /\p{Alphabetic}/;
    }
    return $count;
}

sub count_words {
    my ($text, $needle) = @_;
    return scalar grep { $_ eq $needle } split /\p{White_Space}/, $text, -1;
}

my ($file, $path) = tempfile(UNLINK => 1);
binmode $file;
my (@inputs, @expected);
my $found = 0;
for my $i (0 .. $cases - 1) {
    my $match = $i % 3;
    my ($text, @words) = random_text($match == 2 ? 0.7 : 0);
    my $needle = random_needle($text, @words);
    my $count = (\&count_exact, \&count_letters, \&count_words)[$match]->($text, $needle);
    $found++ if $count > 0;
    my ($word_bytes, $text_bytes) = (encode('UTF-8', $needle), encode('UTF-8', $text));
    print {$file} pack('VVV', $match, length $word_bytes, length $text_bytes), $word_bytes, $text_bytes;
    push @inputs, [ $match, $needle, $text ];
    push @expected, $count;
}
close $file or die "$path: $!\n";

open my $saved, '<&', \*STDIN or die "stdin: $!\n";
open STDIN, '<', $path or die "$path: $!\n";
my $child = open(my $answers, '-|') // die "fork: $!\n";
exec {$driver} $driver or die "$driver: $!\n" if !$child; # a path with a space in it is one word only like that
my @answers = <$answers>;
close $answers or die "$driver failed: $?\n";
die "asked $cases times, got " . @answers . " answers\n" unless @answers == $cases;
# Cases in which nothing is found prove little; there must be many of the others.
die "only $found of $cases cases find anything\n" if $found < $cases / 4;

sub visible { return join '', map { /[!-~]/ ? $_ : sprintf '<U+%04X>', ord } split //, $_[0] }

for my $i (0 .. $cases - 1) {
    chomp $answers[$i];
    next if $answers[$i] eq "$expected[$i] $expected[$i]";
    my ($match, $needle, $text) = @{ $inputs[$i] };
    printf "case %d (%s): expected %d, simple and kernel say %s\nneedle: %s\ntext: %s\n", $i,
        (qw(exact letters words))[$match], $expected[$i], $answers[$i], visible($needle), visible($text);
    exit 1;
}
print "all agree; $found cases find something\n";
