/* Arm semihosting: https://github.com/ARM-software/abi-aa/blob/main/semihosting/semihosting.rst */
#include "semihosting.h"

enum { OPEN = 0x01, WRITE = 0x05, READ = 0x06, EXIT_EXTENDED = 0x20 };
enum { MODE_READ_BINARY = 1, MODE_WRITE = 4 };
enum { APPLICATION_EXIT = 0x20026 };

static uintptr_t call(uintptr_t operation, const void *arguments)
{
    register uintptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static size_t length_of(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    return length;
}

static int open_as(const char *name, uintptr_t mode)
{
    const uintptr_t arguments[] = {(uintptr_t)name, mode, length_of(name)};
    return (int)call(OPEN, arguments);
}

int open_file(const char *name)
{
    return open_as(name, MODE_READ_BINARY);
}

int read_file(int file, void *buffer, size_t bytes)
{
    const uintptr_t arguments[] = {(uintptr_t)file, (uintptr_t)buffer, bytes};
    return call(READ, arguments) == 0;
}

void print(const char *text)
{
    static int console = -1;
    if (console == -1) {
        console = open_as(":tt", MODE_WRITE);
    }
    const uintptr_t arguments[] = {(uintptr_t)console, (uintptr_t)text, length_of(text)};
    call(WRITE, arguments);
}

void print_number(int32_t number)
{
    char digits[12];
    char *start = &digits[11];
    uint32_t rest = number < 0 ? 0U - (uint32_t)number : (uint32_t)number;
    *start = '\0';
    do {
        *--start = (char)('0' + rest % 10U);
        rest /= 10U;
    } while (rest != 0U);
    if (number < 0) {
        *--start = '-';
    }
    print(start);
}

void quit(int code)
{
    const uintptr_t arguments[] = {APPLICATION_EXIT, (uintptr_t)code};
    call(EXIT_EXTENDED, arguments);
    for (;;) {
    }
}
