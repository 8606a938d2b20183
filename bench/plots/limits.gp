# How much of its limit each kernel reaches; a dashed mark is the target.
height = 360
load folder.'/style.gp'
stats data using 2 skip 1 nooutput
set xrange [0 : (STATS_max > 1 ? STATS_max * 1.08 : 1.08)]
set yrange [STATS_records - 0.3 : -0.7]
set xlabel 'share of the limit measured in the same run'
set grid noytics
set style fill solid border -1
bar = 0.3
plot data skip 1 using ($2 / 2):0:($2 / 2):(bar):ytic(1) with boxxyerror linecolor '#0072b2' title 'forkjoin', \
     '' skip 1 using 2:0:(sprintf(' %.2f', $2)) with labels left offset 0.5,0 textcolor '#222222' notitle, \
     '' skip 1 using 3:($0 - 0.42):(0):(0.84) with vectors nohead linewidth 2.5 dashtype 2 linecolor '#d55e00' \
         title 'target'
