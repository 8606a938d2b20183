#!/usr/bin/perl
# Prints every call of a banned function in C and C++ code, comments and strings aside; exit 1 if there is one.
# Usage: banned.pl <source tree>
use strict;
use warnings;
use File::Find;

my $banned = join '|', qw(atoi atol atoll atof sprintf vsprintf strcpy stpcpy strcat strtok gets alloca __builtin_alloca
    setlocale rand srand system popen);
my $offences = 0;

sub blank { my ($text) = @_; $text =~ s/[^\n]/ /g; return $text; }

find({no_chdir => 1, wanted => sub {
    $File::Find::prune = 1 if m{/(build|\.git)$};
    return unless /\.(c|h|cc)$/ && -f;
    open my $file, '<', $_ or die "$_: $!\n";
    my $code = do { local $/; <$file> };
    close $file;
    $code =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}{blank($1)}gse;
    my $line = 0;
    for my $text (split /\n/, $code) {
        $line++;
        next unless $text =~ /(?<![\w.>])($banned)\s*\(/;
        print "$File::Find::name:$line: $1\n";
        $offences++;
    }
}}, $ARGV[0] // die "usage: banned.pl <source tree>\n");

exit($offences > 0);
