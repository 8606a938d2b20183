# Rates on 44 MB of text, on a logarithmic axis.
height = 360
load folder.'/style.gp'
stats data using 2 skip 1 nooutput
top = STATS_max
records = STATS_records
stats data using 3 skip 1 nooutput
set logscale x
set xrange [STATS_min / 2 : top * 4]
set yrange [records - 0.3 : -0.7]
set xlabel 'GB/s (logarithmic)'
set grid noytics
set format x '%g'
plot data skip 1 using 3:0:ytic(1) with points pointtype 5 pointsize 1.1 linecolor '#d55e00' title 'the other program', \
     '' skip 1 using 3:0:4 with labels left offset 1,0.7 font ',11' textcolor '#d55e00' notitle, \
     '' skip 1 using 2:0 with points pointtype 7 pointsize 1.3 linecolor '#0072b2' title 'forkjoin', \
     '' skip 1 using 2:0:(sprintf(' %.3g', $2)) with labels left offset 1,0 textcolor '#222222' notitle
