#include "histogram.h"

#define SUB_BITS 6
#define SUB_BUCKETS (1 << SUB_BITS)

// Values below 64 have a bucket each; above, the highest bit and the six after it tell the bucket.
static int bucket_of(uint64_t value)
{
    if (value < SUB_BUCKETS) {
        return (int)value;
    }

    int highest = 63 - __builtin_clzll(value);
    int shift = highest - SUB_BITS;
    int sub = (int)(value >> shift) - SUB_BUCKETS;
    return (shift + 1) * SUB_BUCKETS + sub;
}

static double middle_of(int bucket)
{
    if (bucket < SUB_BUCKETS) {
        return bucket;
    }

    int shift = bucket / SUB_BUCKETS - 1;
    uint64_t lowest = (uint64_t)(bucket % SUB_BUCKETS + SUB_BUCKETS) << shift;
    return (double)lowest + (double)(1ull << shift) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->total++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        into->counts[i] += from->counts[i];
    }

    into->total += from->total;
}

double histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t below = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += histogram->counts[i];
        if ((double)below > share * (double)histogram->total) {
            return middle_of(i);
        }
    }

    return 0;
}
