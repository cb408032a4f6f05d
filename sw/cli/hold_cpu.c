/* hold_cpu.c - let libraries that are opened later believe in a lesser processor; see hold_cpu.h. */
#define _GNU_SOURCE
#include "hold_cpu.h"
#if defined(__x86_64__) && defined(__linux__)
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

#define BIT(n) (UINT32_C(1) << (n))

/* Leaf 7, Intel SDM volume 2A, CPUID. */
enum { LEAF_FEATURES = 7 };
#define AVX512_EBX (BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31))
#define AVX512_ECX (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define AVX512_AMX_EDX (BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25))
#define VNNI_BF16_EAX1 (BIT(4) | BIT(5) | BIT(21) | BIT(23))
#define VNNI_INT8_EDX1 (BIT(4) | BIT(5) | BIT(10))

static void set_cpuid(long on)
{
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, on);
}

/* The instruction that faulted, if it is CPUID; any other fault happens again, with the system's answer. */
static void answer(int signal_number, siginfo_t *info, void *context)
{
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)(uintptr_t)r[REG_RIP];
    const uint32_t leaf = (uint32_t)r[REG_RAX], sub = (uint32_t)r[REG_RCX];
    uint32_t a, b, c, d;

    (void)info;
    if (code[0] != 0x0F || code[1] != 0xA2) {
        signal(signal_number, SIG_DFL);
        return;
    }
    set_cpuid(1);
    __cpuid_count(leaf, sub, a, b, c, d);
    set_cpuid(0);
    if (leaf == LEAF_FEATURES && sub == 0) {
        b &= ~AVX512_EBX;
        c &= ~AVX512_ECX;
        d &= ~AVX512_AMX_EDX;
    } else if (leaf == LEAF_FEATURES && sub == 1) {
        a &= ~VNNI_BF16_EAX1;
        d &= ~VNNI_INT8_EDX1;
    }
    r[REG_RAX] = a;
    r[REG_RBX] = b;
    r[REG_RCX] = c;
    r[REG_RDX] = d;
    r[REG_RIP] += 2;
}

rs_status hold_to_avx2(struct rs_error *err)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(SIGSEGV, &action, NULL) != 0 || syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0L) != 0)
        return rs_fail(err, RS_ERR_UNSUPPORTED, "this machine cannot answer CPUID for other libraries");
    return RS_OK;
}
#else
rs_status hold_to_avx2(struct rs_error *err)
{
    return rs_fail(err, RS_ERR_UNSUPPORTED, "only on x86-64 under Linux");
}
#endif
