# Times over the chunk, Cython dashed, forkjoin solid, a colour a schedule.
height = 480
load folder.'/style.gp'
set logscale xy
set xlabel 'chunk, elements (logarithmic)'
set ylabel 'milliseconds for 10,000,000 doubles (logarithmic)'
set format x '%.0s%c'
set format y '%g'
set xrange [0.7 : 1500000]
set key maxcols 2
set tmargin 5.5
schedules = 'static dynamic guided'
set datafile missing NaN
plot for [s = 1 : 3] data skip 1 using (strcol(1) eq word(schedules, s) ? $2 : NaN):3 with linespoints linestyle s \
         dashtype 2 title 'Cython, '.word(schedules, s), \
     for [s = 1 : 3] data skip 1 using (strcol(1) eq word(schedules, s) ? $2 : NaN):4 with linespoints linestyle s \
         title 'forkjoin, '.word(schedules, s)
