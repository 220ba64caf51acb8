//! What a NixOS release's list of packages costs: 144,000 of them, made up in the real list's shape.
//!
//! `cargo bench --bench names` prints times, beside jq's where it is here, and memory; the list is packed as its host serves it.

#![expect(clippy::print_stdout, reason = "a bench reports on the terminal")]

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dumbc::cache::DecoderBudget;
use dumbc::cache::decode::decoder;
use dumbc::channel::Attribute;
use dumbc::channel::nixos::Catalog;
use dumbc::nix::Compression;

const PACKAGES: usize = 144_000;
const LOOKUPS: usize = 1_000;
const RELEASE: &str = "nixos-26.05.1.0123456789ab";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let packed = folder.path().join("packages.json.br");
    let raw = write_list(&packed)?;
    let size = packed.metadata()?.len();
    println!("{PACKAGES} packages, {} MB raw, {} MB packed", raw / 1_000_000, size / 1_000_000);

    let before = memory("VmRSS:")?;
    let (catalog, took) = timed(|| {
        let budget = DecoderBudget::default();
        Ok::<_, Box<dyn std::error::Error>>(Catalog::make(folder.path(), RELEASE, unpacked(&packed, &budget)?)?)
    });
    let catalog = catalog?;
    let size = Catalog::path(folder.path(), RELEASE).metadata()?.len();
    println!("catalog: {took:?}, {} MB on the disk", size / 1_000_000);
    println!("memory: {} MB at most, {} MB before", memory("VmHWM:")? / 1000, before / 1000);
    match jq(&packed) {
        Ok(by_jq) => println!(
            "jq, names and versions alone: {by_jq:?}; the catalog takes {:.2} of it",
            took.div_duration_f64(by_jq)
        ),
        Err(fault) => println!("jq is not compared with: {fault}"),
    }

    let (found, took) = timed(|| {
        let name = |number: usize| Attribute::parse(&attribute(number * 131 % PACKAGES));
        (0..LOOKUPS).filter(|number| matches!(catalog.find(&name(*number)), Ok(Some(_)))).count()
    });
    println!("look-up: {:?} each ({found} of {LOOKUPS} found)", took / u32::try_from(LOOKUPS)?);
    let (found, took) = timed(|| catalog.search(&["library".to_owned(), "7777".to_owned()], 20));
    println!("search: {took:?} ({} found)", found?.len());
    let (found, took) = timed(|| catalog.nearest("pakcage-4711"));
    println!("did you mean: {took:?} ({} found)", found?.len());
    Ok(())
}

type Unpacked<'b> = Box<dyn Read + 'b>;

fn unpacked<'b>(packed: &Path, budget: &'b DecoderBudget) -> Result<Unpacked<'b>, Box<dyn std::error::Error>> {
    let input = Box::new(BufReader::new(File::open(packed)?));
    Ok(decoder(Compression::Brotli, input, u64::MAX, budget)?)
}

/// How long jq takes to choose from the same list what a name needs at least.
fn jq(packed: &Path) -> Result<Duration, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut command = Command::new("jq");
    command.args(["-c", ".packages[] | [.pname, .version]"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn()?;
    let mut pipe = child.stdin.take().ok_or("no pipe")?;
    std::io::copy(&mut unpacked(packed, &DecoderBudget::default())?, &mut pipe)?;
    drop(pipe);
    if child.wait()?.success() { Ok(start.elapsed()) } else { Err("it failed".into()) }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Kilobytes, as the kernel counts them for this process.
fn memory(field: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse().unwrap_or_default())
}

/// A third of the real list stands in sets of packages.
fn attribute(number: usize) -> String {
    match number % 3 {
        0 => format!("python313Packages.package-{number}"),
        _ => format!("package-{number}"),
    }
}

/// Writes the list, packed; tells how large it was.
fn write_list(path: &Path) -> Result<u64, Box<dyn std::error::Error>> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 5, lgwin: 22, ..Default::default() };
    let file = BufWriter::new(File::create(path)?);
    let mut out = brotli::CompressorWriter::with_params(file, 1 << 16, &parameters);
    let (mut text, mut raw) = (String::from("{\"version\":\"2\",\"packages\":{\n"), 0);
    for number in 0..PACKAGES {
        text += &entry(number);
        text += if number + 1 == PACKAGES { "}}\n" } else { ",\n" };
        raw += text.len() as u64;
        out.write_all(text.as_bytes())?;
        text.clear();
    }
    out.flush()?;
    Ok(raw)
}

/// An entry as long as the real ones are: most of it is what nobody reads here.
fn entry(number: usize) -> String {
    let platforms: Vec<String> = (0..60).map(|system| format!("\"machine{system}-linux\"")).collect();
    let maintainer = format!(
        "{{\"email\":\"maintainer{number}@example.org\",\"github\":\"maintainer{number}\",\"githubId\":{number},\"name\":\"A Maintainer\"}}"
    );
    let text = format!(
        "\"{}\":{{\"name\":\"package-{number}-1.{number}\",\"pname\":\"package-{number}\",\"version\":\"1.{number}\",\
         \"system\":\"x86_64-linux\",\"outputName\":\"out\",\"outputs\":{{\"dev\":null,\"man\":null,\"out\":null}},\
         \"meta\":{{\"available\":true,\"broken\":false,\"description\":\"A library number {number} for things\",\
         \"homepage\":\"https://example.org/package-{number}\",\"insecure\":false,\"license\":{{\"deprecated\":false,\
         \"free\":true,\"fullName\":\"MIT License\",\"redistributable\":true,\"shortName\":\"mit\",\"spdxId\":\"MIT\",\
         \"url\":\"https://example.org/licenses/MIT.html\"}},\"mainProgram\":\"package-{number}\",\"maintainers\":[{m},{m},{m}],\
         \"name\":\"package-{number}-1.{number}\",\"outputsToInstall\":[\"out\",\"man\"],\"platforms\":[\"x86_64-linux\",\
         \"aarch64-linux\",{}],\"position\":\"pkgs/by-name/pa/package-{number}/package.nix:{number}\",\"unfree\":false,\
         \"unsupported\":false}}}}",
        serde_json::Value::String(attribute(number)).as_str().unwrap_or_default(),
        platforms.join(","),
        m = maintainer,
    );
    text
}
