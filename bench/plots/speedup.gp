# Speed-up over threads; `cores`: how many the machine has. The first line of the data names the columns: threads, ideal, and a line for each program.
height = 560
load folder.'/style.gp'
set key autotitle columnhead
stats data using 1 skip 1 nooutput
threads_max = STATS_max
columns = STATS_columns
set logscale x 2
set logscale y 2
set xrange [0.93 : threads_max * 1.07]
set yrange [0.5 : threads_max * 1.07]
set xlabel 'threads'
set ylabel 'speed-up against the same program with one thread'
set format x '%g'
set format y '%g'
set xtics 2
set ytics 2
set key maxcols 2
set tmargin 7
set arrow from cores, graph 0 to cores, graph 1 nohead linecolor '#777777' linewidth 1.5 dashtype 3
set label sprintf('the %d cores of this machine', cores) at cores, graph 0.04 offset 0.6,0 textcolor '#555555'
plot data using 1:2 with lines linestyle 9 title 'ideal', \
     for [i = 3 : columns] '' using 1:i with linespoints linestyle (i - 2) title columnhead(i)
