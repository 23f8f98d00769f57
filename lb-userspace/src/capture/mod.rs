//! Captures: what XDP copies, how the copies travel to `lb capture`, and the file they end in.
//!
//! ```text
//! question ─▶ Filter ─▶ XDP ─▶ ring buffer ─▶ agent ─▶ frames ─▶ lb capture: quota ─▶ pcapng
//! ```

mod filter;
mod frames;
mod pcapng;
mod quota;
mod record;

pub use filter::{FilterError, filter};
pub use frames::{Frame, FrameError, Frames, LONGEST_FRAME, put_frame};
pub use pcapng::{Interfaces, PcapNg};
pub use quota::{Quota, Wanted};
pub use record::{Direction, Record, RecordError};
