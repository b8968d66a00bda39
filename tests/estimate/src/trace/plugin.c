/* A plugin of QEMU that writes the instructions and data addresses between two addresses.

   No package has QEMU's header, so the functions are declared here, as in version 1 of its API.

   Arguments: out=SOCKET, from=ADDRESS, and to=ADDRESS or to=return, in hexadecimal.
   The output is words of 32 bits; the two lowest bits of the first word say what it is:
     0  an instruction; above are 30 bits with its number
     1  a read, 2 a write; above are 30 bits with the count of bytes; then the address
     3  4 * kind above it: 0 a new instruction (number, address, its bytes), 1 start, 2 end
        (the number of the instruction that is next) */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
typedef void (*on_tb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*on_insn)(unsigned int, void *);
typedef void (*on_memory)(unsigned int, qemu_plugin_meminfo_t, uint64_t, void *);

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, on_tb);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, on_insn, int, void *);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, on_memory, int, int, void *);
extern unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t);
extern int qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint32_t buffer[1 << 14];
static size_t filled;
static int output = -1;
static uint64_t from, to;
static int to_return;

static int active;
static uint64_t end;
/* The end of the last instruction: where a call returns to. */
static uint32_t after_last;

struct instruction { uint32_t address, after; };
static struct instruction *instructions;
static uint32_t count, room;

static void flush(void)
{
    const char *at = (const char *)buffer;
    size_t left = filled * sizeof buffer[0];
    while (left > 0) {
        ssize_t written = write(output, at, left);
        if (written <= 0)
            _exit(1); /* nobody reads any more */
        at += written;
        left -= (size_t)written;
    }
    filled = 0;
}

static void put(uint32_t word)
{
    buffer[filled++] = word;
    if (filled == sizeof buffer / sizeof buffer[0])
        flush();
}

static void executed(unsigned int core, void *data)
{
    uint32_t number = (uint32_t)(uintptr_t)data;
    const struct instruction *one = &instructions[number];
    (void)core;
    if (active && one->address == end) {
        active = 0;
        put(3 | 2 << 2);
        put(number);
        flush();
    }
    if (!active && one->address == from) {
        active = 1;
        end = to_return ? after_last : to;
        put(3 | 1 << 2);
    }
    if (active)
        put(number << 2);
    after_last = one->after;
}

static void accessed(unsigned int core, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    (void)core;
    (void)data;
    if (!active)
        return;
    put((qemu_plugin_mem_is_store(info) ? 2 : 1) | (4u << qemu_plugin_mem_size_shift(info)));
    put((uint32_t)address);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    size_t length = qemu_plugin_tb_n_insns(block);
    (void)id;
    for (size_t index = 0; index < length; index++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, index);
        uint32_t address = (uint32_t)qemu_plugin_insn_vaddr(insn), bytes = 0;
        size_t size = qemu_plugin_insn_size(insn);
        if (count == room) {
            room = room ? 2 * room : 1 << 14;
            instructions = realloc(instructions, room * sizeof instructions[0]);
            if (!instructions)
                _exit(1);
        }
        memcpy(&bytes, qemu_plugin_insn_data(insn), size < 4 ? size : 4);
        instructions[count] = (struct instruction){ address, address + (uint32_t)size };
        put(3);
        put(count);
        put(address);
        put(bytes);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, 0, (void *)(uintptr_t)count);
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, 0, 3, NULL);
        count++;
    }
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)info;
    for (int index = 0; index < argc; index++) {
        if (!strncmp(argv[index], "out=", 4))
            strncpy(address.sun_path, argv[index] + 4, sizeof address.sun_path - 1);
        else if (!strncmp(argv[index], "from=", 5))
            from = strtoull(argv[index] + 5, NULL, 16);
        else if (!strcmp(argv[index], "to=return"))
            to_return = 1;
        else if (!strncmp(argv[index], "to=", 3))
            to = strtoull(argv[index] + 3, NULL, 16);
        else
            return -1;
    }
    output = socket(AF_UNIX, SOCK_STREAM, 0);
    if (output < 0 || connect(output, (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
