/* Output, files and the end of the program, on the host of an emulator or a debugger. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stddef.h>
#include <stdint.h>

void print(const char *text);
void print_number(int32_t number);

/* Opens a file of the host for reading. Returns -1 if there is none. */
int open_file(const char *name);

/* Fills the buffer; returns 0 if the file has fewer bytes left. */
int read_file(int file, void *buffer, size_t bytes);

/* Ends the program with this exit code. */
void quit(int code);

#endif
