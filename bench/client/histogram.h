// A histogram of times: 64 buckets a power of two, so that a figure is never off by more than 1.6 %.
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS (60 * 64)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
};

void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);

// The value that the given share of all values is below; 0 of none.
double histogram_quantile(const struct histogram *histogram, double share);

#endif
