/* Roll dice and print the sums: roll SEED ROLLS DICE. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state;

static int die(void) { /* xorshift64*: the same numbers with every C library */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (int)((state * 0x2545F4914F6CDD1DULL >> 33) % 6) + 1;
}

int main(int count, char **words) {
    if (count != 4) return 2;
    state = strtoull(words[1], NULL, 10) + 1;
    for (long roll = strtol(words[2], NULL, 10); roll > 0; roll--) {
        int sum = 0;
        for (int left = atoi(words[3]); left > 0; left--) sum += die();
        printf("%d\n", sum);
    }
    return 0;
}
