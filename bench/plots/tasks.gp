# ipyparallel, forkjoin and the loopback alone, a point each, on a logarithmic axis.
height = 420
load folder.'/style.gp'
stats data using 3 skip 1 nooutput
set logscale x
set yrange [STATS_records - 0.3 : -0.7]
set xlabel 'milliseconds (logarithmic)'
set grid noytics
set format x '%g'
plot data skip 1 using 4:0:ytic(1) with points pointtype 2 pointsize 1 linewidth 2 linecolor '#777777' \
         title 'the bytes alone', \
     '' skip 1 using 3:0 with points pointtype 7 pointsize 1.3 linecolor '#0072b2' title 'forkjoin', \
     '' skip 1 using 2:0 with points pointtype 5 pointsize 1.1 linecolor '#d55e00' title 'ipyparallel'
