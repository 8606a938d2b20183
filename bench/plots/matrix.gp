# Times of the matrix, beside scikit-learn's and the limit.
height = 400
load folder.'/style.gp'
set style data histograms
set style histogram clustered gap 1.5
set style fill solid border -1
set boxwidth 0.9
set yrange [0 : *]
set ylabel 'milliseconds, 4,000 × 4,000 float64'
set grid noxtics
plot data skip 1 using 3:xtic(1) linecolor '#d55e00' title 'scikit-learn, OpenBLAS', \
     '' skip 1 using 2 linecolor '#0072b2' title 'forkjoin', \
     '' skip 1 using 4 linecolor '#bbbbbb' title 'limit'
