/* What benchmark tools print of a series of times: page.statistics(). */
{
    /* Between the sorted values on a straight line, as NumPy's percentile and Python's inclusive quantiles. */
    function quantile(sorted, share) {
        const at = share * (sorted.length - 1);
        const below = Math.floor(at);
        return sorted[below] + (at - below) * (sorted[Math.ceil(at)] - sorted[below]);
    }

    /* Of milliseconds: {count, min, max, mean, deviation, median, iqr, rate}. deviation is the sample's (n - 1; NaN of
     * one value); rate is operations per second, 1,000 / mean. */
    page.statistics = values => {
        const sorted = [...values].sort((a, b) => a - b);
        const count = sorted.length;
        const mean = sorted.reduce((sum, value) => sum + value, 0) / count;
        const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        return {count, min: sorted[0], max: sorted[count - 1], mean, deviation: Math.sqrt(squares / (count - 1)),
                median: quantile(sorted, 0.5), iqr: quantile(sorted, 0.75) - quantile(sorted, 0.25), rate: 1000 / mean};
    };
}
