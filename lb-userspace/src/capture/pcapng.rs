//! The file: pcapng (draft-ietf-opsawg-pcapng), one interface block for each interface, one enhanced packet
//! block for each copy.

use std::{borrow::Cow, collections::BTreeMap, io::Write, time::Duration};

use pcap_file::{
    DataLink,
    pcapng::{
        PcapNgWriteError, PcapNgWriter,
        blocks::{
            enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption},
            interface_description::{
                InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
            },
            opt_common::CommonOption,
            section_header::{SectionHeaderBlock, SectionHeaderOption},
        },
    },
};

use super::{Direction, Record};

/// Names of interfaces, by index.
pub type Interfaces = BTreeMap<u32, String>;

/// The last two bits of a packet's flags: which way it was going.
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

/// A file that is being written.
pub struct PcapNg<W: Write> {
    writer: PcapNgWriter<W>,
    /// Number of each interface within the file, by index.
    numbers: BTreeMap<u32, u32>,
    /// Wall clock at the zero of the records' clock.
    zero: Duration,
    snap: u32,
}

impl<W: Write> PcapNg<W> {
    /// Begins a file. `zero`: the time since 1970 at which the records' clock stood at zero. `snap`: bytes
    /// that are kept of a packet.
    ///
    /// # Errors
    /// `to` cannot be written.
    pub fn begin(
        to: W,
        interfaces: &Interfaces,
        zero: Duration,
        snap: u32,
    ) -> Result<Self, PcapNgWriteError> {
        let program = concat!("lb ", env!("CARGO_PKG_VERSION"));
        let options = vec![SectionHeaderOption::UserApplication(Cow::Borrowed(program))];
        let section = SectionHeaderBlock { options, ..SectionHeaderBlock::default() };
        let writer = PcapNgWriter::with_section_header(to, section)?;
        let mut file = Self { writer, numbers: BTreeMap::new(), zero, snap };
        for (index, name) in interfaces {
            file.add_interface(*index, name)?;
        }
        Ok(file)
    }

    /// Writes a packet; `lost`: those that were lost right before it.
    ///
    /// # Errors
    /// The file cannot be written any more.
    pub fn write(&mut self, record: &Record<'_>, lost: u32) -> Result<(), PcapNgWriteError> {
        let interface_id = match self.numbers.get(&record.interface) {
            Some(number) => *number,
            // One that came up after the capture began.
            None => self.add_interface(record.interface, &format!("#{}", record.interface))?,
        };
        let flags = match record.direction {
            Direction::In => INBOUND,
            Direction::Out => OUTBOUND,
        };
        let mut options = vec![EnhancedPacketOption::Flags(flags)];
        if lost > 0 {
            options.push(EnhancedPacketOption::DropCount(lost.into()));
        }
        if let Some(reason) = record.dropped {
            let words = format!("dropped: {}", reason.words());
            options.push(EnhancedPacketOption::Common(CommonOption::Comment(words.into())));
        }
        self.writer.write_pcapng_block(EnhancedPacketBlock {
            interface_id,
            timestamp: self.zero.saturating_add(Duration::from_nanos(record.at)),
            original_len: record.length,
            data: Cow::Borrowed(record.bytes),
            options,
        })?;
        Ok(())
    }

    /// What it is written to: for flushing.
    pub fn get_mut(&mut self) -> &mut W {
        self.writer.get_mut()
    }

    fn add_interface(&mut self, index: u32, name: &str) -> Result<u32, PcapNgWriteError> {
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.writer.write_pcapng_block(InterfaceDescriptionBlock {
            linktype: DataLink::ETHERNET,
            snaplen: self.snap,
            options: vec![
                InterfaceDescriptionOption::IfName(name.into()),
                InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
            ],
        })?;
        self.numbers.insert(index, number);
        Ok(number)
    }
}

#[cfg(test)]
#[path = "pcapng_test.rs"]
mod tests;
