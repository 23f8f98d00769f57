//! The task with real scripts and FIFOs.
