//! Foreign code inside a process that runs: what somebody who has taken over one of its threads can ask of the kernel.
//!
//! A tracer stops the thread while it waits, lets it make system calls of our choice, and puts everything back. The
//! kernel judges them as the process's own: by its user, its capabilities, its filters. x86-64 only.

use std::ffi::CStr;
use std::io::{IoSlice, IoSliceMut};

use anyhow::{Context as _, Result, ensure};
use nix::errno::Errno;
use nix::libc::{c_long, user_regs_struct};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The instruction `syscall`.
const SYSCALL: [u8; 2] = [0x0f, 0x05];
/// Below the stack that the thread uses, and the 128 bytes that it may use beneath it.
const BELOW_STACK: u64 = 1024;
/// How often a thread may be found at work instead of waiting.
const TRIES: u32 = 1000;

/// A thread that does what we say. It goes on with its own work when this is dropped.
#[derive(Debug)]
pub struct Intruder {
    thread: Pid,
    own: user_regs_struct,
}

impl Intruder {
    /// Takes over a thread that will wait in a system call sooner or later.
    ///
    /// # Errors
    /// The kernel's; or it never waits.
    pub fn enter(thread: Pid) -> Result<Self> {
        ptrace::seize(thread, Options::empty()).context("no tracer can enter")?;
        for _ in 0..TRIES {
            ptrace::interrupt(thread)?;
            waitpid(thread, Some(WaitPidFlag::__WALL))?;
            let own = ptrace::getregs(thread)?;
            let mut instruction = [0; 2];
            let at = RemoteIoVec { base: usize::try_from(own.rip)? - 2, len: 2 };
            process_vm_readv(thread, &mut [IoSliceMut::new(&mut instruction)], &[at])?;
            if instruction == SYSCALL {
                return Ok(Self { thread, own });
            }
            ptrace::cont(thread, None)?;
        }
        ptrace::interrupt(thread)?;
        waitpid(thread, Some(WaitPidFlag::__WALL))?;
        ptrace::detach(thread, None)?;
        anyhow::bail!("thread {thread} never waits")
    }

    /// Makes a system call. What it returns is the kernel's own answer.
    ///
    /// # Errors
    /// The outer: the thread could not be led. The inner: the kernel refused.
    pub fn call(&self, number: c_long, arguments: [u64; 6]) -> Result<Result<u64, Errno>> {
        let [rdi, rsi, rdx, r10, r8, r9] = arguments;
        let mut registers = self.own;
        (registers.rdi, registers.rsi, registers.rdx) = (rdi, rsi, rdx);
        (registers.r10, registers.r8, registers.r9) = (r10, r8, r9);
        registers.rax = number.cast_unsigned();
        // It is in no system call that could be begun again.
        registers.orig_rax = u64::MAX;
        registers.rip -= 2;
        ptrace::setregs(self.thread, registers)?;
        ptrace::step(self.thread, None)?;
        let stopped = waitpid(self.thread, Some(WaitPidFlag::__WALL))?;
        let as_led = WaitStatus::Stopped(self.thread, Signal::SIGTRAP);
        ensure!(stopped == as_led, "system call {number} ended in {stopped:?}");
        let answer = ptrace::getregs(self.thread)?.rax.cast_signed();
        Ok(match answer {
            -4095..0 => Err(Errno::from_raw(i32::try_from(-answer)?)),
            _ => Ok(answer.cast_unsigned()),
        })
    }

    /// Puts a text where the thread can point to it. The next one takes its place.
    ///
    /// # Errors
    /// The kernel's.
    pub fn text(&self, text: &CStr) -> Result<u64> {
        let address = (self.own.rsp - BELOW_STACK) & !7;
        let bytes = text.to_bytes_with_nul();
        let at = RemoteIoVec { base: usize::try_from(address)?, len: bytes.len() };
        let written = process_vm_writev(self.thread, &[IoSlice::new(bytes)], &[at])?;
        ensure!(written == bytes.len(), "the text did not fit");
        Ok(address)
    }
}

impl Drop for Intruder {
    fn drop(&mut self) {
        let back = ptrace::setregs(self.thread, self.own);
        let back = back.and_then(|()| ptrace::detach(self.thread, None));
        assert!(
            back.is_ok() || std::thread::panicking(),
            "the thread could not be let go: {back:?}"
        );
    }
}
