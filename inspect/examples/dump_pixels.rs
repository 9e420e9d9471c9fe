//! Decodes pictures and writes their pixels as binary PPM, for oracles that must see the same pixels as this
//! crate.
//!
//! `dump_pixels FOLDER FILE...` writes `FOLDER/FILE-NAME.ppm` for each file.

use std::{env, error::Error, fs, path::Path};
use touchstone_inspect::decode;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let folder = arguments.next().ok_or("usage: dump_pixels FOLDER FILE...")?;
    for file in arguments {
        let picture = decode::decode(&fs::read(&file)?, &Default::default())?.picture;
        let name = Path::new(&file).file_name().ok_or("a file has no name")?;
        let mut ppm = format!("P6 {} {} 255\n", picture.width, picture.height).into_bytes();
        ppm.extend_from_slice(&picture.rgb);
        fs::write(Path::new(&folder).join(name).with_added_extension("ppm"), ppm)?;
    }
    Ok(())
}
