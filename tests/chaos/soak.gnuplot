# Draws what soak.py has sampled:  gnuplot -e "input='soak.tsv'; drawing='docs/soak.svg'" tests/chaos/soak.gnuplot
set terminal svg size 900,320 font "sans-serif,13" background "white"
set output drawing
set datafile separator "\t"
set key outside right top
set xlabel "hours"
set ylabel "resident, MiB"
set yrange [0:*]
set grid ytics
plot for [i = 0:2] input using ($1 / 3600):(column(2 + 3 * i) / 1024) with lines linewidth 2 \
     title word("api-svc kube-worker monitor", i + 1)
