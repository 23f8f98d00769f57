//! Kernel, privilege, BPF file system, compiler.

use super::{Facts, Finding, Severity, host::HostError, refusal};

/// Privilege, age and types of the kernel, and the place of the pins, as `lb run` judges them.
pub(super) fn basics(facts: &Facts) -> Vec<Finding> {
    let basics = &facts.basics;
    let mut findings = Vec::new();
    // Whoever starts this command need not be the one who starts `lb run`.
    findings.extend(
        basics
            .privilege()
            .err()
            .map(|error| Finding { severity: Severity::Warning, ..refusal::finding(&error) }),
    );
    match basics.kernel() {
        Err(error) => findings.push(refusal::finding(&error)),
        Ok(Some(doubt)) => findings.push(
            Finding::warning("kernel")
                .problem(doubt)
                .why("lb is tested on the supported kernels only")
                .remedy("run a supported kernel of your distribution"),
        ),
        Ok(None) => {}
    }
    let errors: [Option<HostError>; 2] = [basics.types().err(), basics.pins.check().err()];
    findings.extend(errors.iter().flatten().map(refusal::finding));
    findings
}

/// Does the kernel take the program?
pub(super) fn program(facts: &Facts) -> Vec<Finding> {
    let Some(Err(reason)) = &facts.loaded else { return Vec::new() };
    let finding = Finding::error("bpf")
        .problem(format!("the kernel refuses lb's XDP program or its maps: {reason}"))
        .why("without it nothing is forwarded")
        .remedy(
            "look for what forbids bpf(2): a container's seccomp profile or memory limit, kernel \
             lockdown (`cat /sys/kernel/security/lockdown`), a kernel without CONFIG_BPF_SYSCALL; \
             smaller [limits] need less memory",
        );
    vec![finding]
}

/// Is the program compiled, or interpreted?
pub(super) fn compiler(facts: &Facts) -> Vec<Finding> {
    const SETTING: &str = "net.core.bpf_jit_enable";
    let why = match facts.jit {
        Some(0) => "the kernel interprets the program: each packet costs several times as much",
        Some(2) => "the kernel writes every compiled program into its log: meant for debugging",
        _ => return Vec::new(),
    };
    let value = facts.jit.unwrap_or_default();
    vec![
        Finding::warning(SETTING)
            .problem(format!("it is {value}"))
            .why(why)
            .remedy(format!("sysctl -w {SETTING}=1")),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::test::{director, line, lines};
    use super::*;

    type Change = fn(&mut Facts);

    #[test]
    fn what_lb_run_refuses_is_an_error() {
        let changes: [(Change, &str); 5] = [
            (
                |facts| facts.basics.kernel = "5.10.0-28".to_owned(),
                "error kernel: kernel 5.10.0-28 is too old | run kernel 6.1 or newer",
            ),
            (
                |facts| facts.basics.kernel = "5.18.0".to_owned(),
                "warning kernel: kernel 5.18.0 may do, but 6.1 or newer is what is supported | \
                 run a supported kernel of your distribution",
            ),
            (
                |facts| facts.basics.btf = false,
                "error kernel: /sys/kernel/btf/vmlinux is missing: this kernel was built without BTF \
                 (CONFIG_DEBUG_INFO_BTF=y) | run your distribution's stock kernel",
            ),
            (
                |facts| facts.basics.pins.bpffs = false,
                "error node.pin_folder: /sys/fs/bpf/lb: /sys/fs/bpf is not on a BPF file system | \
                 mount -t bpf bpf /sys/fs/bpf",
            ),
            (
                |facts| facts.basics.process = "CapEff:\t0000000000001000\n".to_owned(),
                "warning privilege: this process lacks CAP_BPF, CAP_NET_RAW | \
                 run `lb preflight` as root",
            ),
        ];
        assert_eq!(lines(&basics(&director())), [] as [String; 0]);
        for (change, expected) in changes {
            let mut facts = director();
            change(&mut facts);
            assert_eq!(lines(&basics(&facts)), [expected]);
        }
    }

    #[test]
    fn a_program_that_is_refused() {
        for (loaded, findings) in
            [(None, 0), (Some(Ok(())), 0), (Some(Err("not permitted".to_owned())), 1)]
        {
            let facts = Facts { loaded, ..director() };
            assert_eq!(program(&facts).len(), findings, "{:?}", facts.loaded);
        }
    }

    #[test]
    fn compiled_or_not() {
        for (jit, expected) in [(None, None), (Some(0), Some("it is 0")), (Some(1), None)] {
            let found = compiler(&Facts { jit, ..director() });
            assert_eq!(found.first().map(|finding| finding.problem.as_str()), expected);
        }
        let debug = compiler(&Facts { jit: Some(2), ..director() });
        assert_eq!(
            line(&debug[0]),
            "warning net.core.bpf_jit_enable: it is 2 | sysctl -w net.core.bpf_jit_enable=1"
        );
    }
}
