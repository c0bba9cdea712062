/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target over files, without libFuzzer:
 *
 *     cc ... t/fuzz/fuzz_scan.c t/fuzz/replay.c ... -o replay-scan
 *     find t/fuzz/corpus/scan -type f | xargs replay-scan
 *
 * What a target finds, it tells by a sanitizer or by abort().  Each file is
 * in a piece of memory of exactly its size.
 */


#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static uint8_t *
replay_read(const char *name, size_t *size)
{
    FILE     *f;
    long      n;
    uint8_t  *data;

    f = fopen(name, "rb");

    if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0) {
        perror(name);
        exit(1);
    }

    rewind(f);

    data = malloc(n ? n : 1);

    if (data == NULL || fread(data, 1, n, f) != (size_t) n) {
        perror(name);
        exit(1);
    }

    fclose(f);

    /* not one byte more */

    data = realloc(data, n ? n : 1);
    *size = n;

    return data;
}


int
main(int argc, char **argv)
{
    int       i;
    size_t    size;
    uint8_t  *data;

    for (i = 1; i < argc; i++) {

        /* should it not come back, this is the last line */

        printf("%s\n", argv[i]);
        fflush(stdout);

        data = replay_read(argv[i], &size);

        (void) LLVMFuzzerTestOneInput(data, size);

        free(data);
    }

    printf("%d files replayed\n", argc - 1);

    return 0;
}
