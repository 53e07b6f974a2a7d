/*
 * Part of the native file (decision 18). Before Main, the runtime unpacks several megabytes of its own data into memory that is
 * still empty. The kernel would come with one page at a time, interrupting the program each time; here it is asked for all of
 * them at once, as large ones where there are any. Nothing depends on it: where the kernel refuses (before 5.14, or without
 * large pages), pages come as they are touched.
 */

/* The linker's own: where the data that the file holds ends, and where the empty memory after them ends. */
extern char _edata[], _end[];

/* As in <sys/mman.h> and <unistd.h>, which a cross-compiler may lack. */
extern int madvise(void *start, unsigned long length, int advice);
extern int getpagesize(void);
enum { huge_page = 14, populate_write = 23 }; /* MADV_HUGEPAGE and MADV_POPULATE_WRITE, madvise(2) */

__attribute__((constructor)) static void populate(void)
{
    unsigned long page = (unsigned long)getpagesize();
    unsigned long start = ((unsigned long)_edata + page - 1) & ~(page - 1);
    unsigned long end = (unsigned long)_end & ~(page - 1);
    if (start < end)
    {
        (void)madvise((void *)start, end - start, huge_page);
        (void)madvise((void *)start, end - start, populate_write);
    }
}
