/* The vector table, and the code that runs before main(). */
#include "semihosting.h"

extern uint32_t _stack_top, _data_start, _data_end, _data_source, _bss_start, _bss_end;

int main(void);

/* Faults and unused exceptions. */
static void on_exception(void)
{
    quit(2);
}

void on_reset(void)
{
    const uint32_t *source = &_data_source;
    for (uint32_t *target = &_data_start; target < &_data_end; target++) {
        *target = *source++;
    }
    for (uint32_t *target = &_bss_start; target < &_bss_end; target++) {
        *target = 0;
    }
#if defined(__ARM_FP)
    /* Gives the program access to the floating-point unit: code of this ABI may use it. */
    *(volatile uint32_t *)0xe000ed88 |= 0xfU << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
    quit(main());
}

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler exceptions[15];
} vectors = {
    .stack = &_stack_top,
    .exceptions = {on_reset,     on_exception, on_exception, on_exception, on_exception,
                   on_exception, on_exception, on_exception, on_exception, on_exception,
                   on_exception, on_exception, on_exception, on_exception, on_exception},
};
