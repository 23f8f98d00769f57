//! An ELF object with one small XDP program, made here: no compiler is needed.

/// The section of the program; libbpf knows the program's type by it.
const SECTION: &str = "xdp";

/// The name of the program, for who loads the object.
pub const NAME: &str = "program";
const LICENSE: &[u8] = b"Dual MIT/GPL\0";
const STRINGS: &[u8] = b"\0xdp\0license\0.symtab\0.strtab\0program\0";

const EM_BPF: u16 = 247;
const ET_REL: u16 = 1;
const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHT_STRTAB: u32 = 3;
const SHF_ALLOC_EXEC: u64 = 2 | 4;
const SHF_ALLOC_WRITE: u64 = 2 | 1;
const STB_GLOBAL_STT_FUNC: u8 = 1 << 4 | 2;

const HEADER_SIZE: u16 = 64;
const SECTION_HEADER_SIZE: u16 = 64;
const SYMBOL_SIZE: u64 = 24;
const PROGRAM_INDEX: u16 = 1;
const STRINGS_INDEX: u32 = 4;

/// A section: name, type, flags, content, link, info, alignment, size of an entry.
struct Section(&'static str, u32, u64, Vec<u8>, u32, u32, u64, u64);

/// The object file of a program, given as instructions (8 bytes each) that use no map.
pub fn xdp_object(program: &[u8]) -> Vec<u8> {
    let sections = [
        Section(SECTION, SHT_PROGBITS, SHF_ALLOC_EXEC, program.to_vec(), 0, 0, 8, 0),
        Section("license", SHT_PROGBITS, SHF_ALLOC_WRITE, LICENSE.to_vec(), 0, 0, 1, 0),
        // `info` is the index of the first global symbol.
        Section(".symtab", SHT_SYMTAB, 0, symbols(program), STRINGS_INDEX, 1, 8, SYMBOL_SIZE),
        Section(".strtab", SHT_STRTAB, 0, STRINGS.to_vec(), 0, 0, 1, 0),
    ];
    let mut content = Vec::new();
    let mut headers = vec![0; usize::from(SECTION_HEADER_SIZE)];
    for Section(name, kind, flags, bytes, link, info, align, entry) in &sections {
        content.resize(content.len().next_multiple_of(8), 0);
        let offset = u64::from(HEADER_SIZE) + content.len() as u64;
        headers.extend(name_offset(name).to_le_bytes());
        headers.extend(kind.to_le_bytes());
        for value in [*flags, 0, offset, bytes.len() as u64] {
            headers.extend(value.to_le_bytes());
        }
        headers.extend(link.to_le_bytes());
        headers.extend(info.to_le_bytes());
        headers.extend(align.to_le_bytes());
        headers.extend(entry.to_le_bytes());
        content.extend(bytes);
    }
    content.resize(content.len().next_multiple_of(8), 0);
    [header(u64::from(HEADER_SIZE) + content.len() as u64), content, headers].concat()
}

fn header(section_headers: u64) -> Vec<u8> {
    // 64 bit, little endian, version 1.
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend(ET_REL.to_le_bytes());
    header.extend(EM_BPF.to_le_bytes());
    header.extend(1_u32.to_le_bytes());
    for value in [0, 0, section_headers] {
        header.extend(u64::to_le_bytes(value));
    }
    header.extend(0_u32.to_le_bytes());
    for value in [HEADER_SIZE, 0, 0, SECTION_HEADER_SIZE, 5, 4] {
        header.extend(value.to_le_bytes());
    }
    header
}

fn symbols(program: &[u8]) -> Vec<u8> {
    let mut symbols = vec![0; 24];
    symbols.extend(name_offset(NAME).to_le_bytes());
    symbols.extend([STB_GLOBAL_STT_FUNC, 0]);
    symbols.extend(PROGRAM_INDEX.to_le_bytes());
    symbols.extend(0_u64.to_le_bytes());
    symbols.extend((program.len() as u64).to_le_bytes());
    symbols
}

/// Where a name starts in the table of strings.
fn name_offset(name: &str) -> u32 {
    let wanted = [b"\0", name.as_bytes(), b"\0"].concat();
    let found = STRINGS.windows(wanted.len()).position(|window| window == wanted);
    found.map_or(0, |at| u32::try_from(at + 1).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_in_the_table_of_strings() {
        for name in [SECTION, "license", ".symtab", ".strtab", NAME] {
            assert_ne!(name_offset(name), 0, "{name}");
        }
    }

    #[test]
    fn headers_have_their_sizes() {
        assert_eq!(header(0).len(), usize::from(HEADER_SIZE));
        assert_eq!(symbols(&[]).len() as u64, 2 * SYMBOL_SIZE);
    }
}
