# What all pictures have in common. Colours: Okabe and Ito's, which the colour-blind can tell apart.
set encoding utf8
set terminal svg size 860,height dynamic font 'Helvetica,Arial,sans-serif,14' background '#ffffff'
set output svg
set datafile separator tab
set border 3 linecolor '#555555'
set tics nomirror textcolor '#222222'
set grid linecolor '#dddddd' linetype 1 linewidth 1
set key at screen 0.5, screen 0.985 center top horizontal Left reverse samplen 2 spacing 1.2
set tmargin 3
set style line 1 linecolor '#0072b2' linewidth 2.5 pointtype 7 pointsize 0.7
set style line 2 linecolor '#d55e00' linewidth 2.5 pointtype 5 pointsize 0.7
set style line 3 linecolor '#009e73' linewidth 2.5 pointtype 9 pointsize 0.8
set style line 4 linecolor '#cc79a7' linewidth 2.5 pointtype 11 pointsize 0.8
set style line 5 linecolor '#e69f00' linewidth 2.5 pointtype 13 pointsize 0.8
set style line 6 linecolor '#56b4e9' linewidth 2.5 pointtype 7 pointsize 0.6
set style line 9 linecolor '#777777' linewidth 1.5 dashtype 2
set linetype 1 linecolor '#0072b2'
