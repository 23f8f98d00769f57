//! Packets through the real XDP program (BPF_PROG_TEST_RUN).
