# Times of one pass over 858 kB, a point a row, on a logarithmic axis.
height = 420
load folder.'/style.gp'
stats data using 2 skip 1 nooutput
set logscale x
set xrange [STATS_min / 2 : STATS_max * 4]
set yrange [STATS_records - 0.3 : -0.7]
set xlabel 'milliseconds for one pass over 858 kB (logarithmic)'
set grid noytics
unset key
set tmargin 1
set format x '%g'
ours(name) = strstrt(name, 'forkjoin') > 0
plot data skip 1 using 2:0:(ours(strcol(1)) ? 0x0072b2 : 0xd55e00):ytic(1) with points pointtype 7 pointsize 1.3 \
         linecolor rgb variable, \
     '' skip 1 using 2:0:(sprintf(' %.3g ms', $2)) with labels left offset 1.2,0 textcolor '#222222'
