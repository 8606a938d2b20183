# Speed-up of three tasks at once against one after the other; the ideal as a dash.
height = 400
load folder.'/style.gp'
set style data histograms
set style histogram clustered gap 1.5
set style fill solid border -1
set boxwidth 0.9
set yrange [0 : *]
set ylabel 'speed-up against one after the other'
set grid noxtics
plot data skip 1 using 2:xtic(1) linecolor '#d55e00' title 'Python multiprocessing', \
     '' skip 1 using 3 linecolor '#0072b2' title 'forkjoin', \
     '' skip 1 using 0:4:(0.45):(0) with vectors nohead linestyle 9 notitle, \
     '' skip 1 using 0:4:(-0.45):(0) with vectors nohead linestyle 9 title 'ideal'
