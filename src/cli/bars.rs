//! Bars on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that is drawn until it is cleared.
pub(super) type Bar = ProgressBar;

/// A bar for a stage of `total` bytes, drawn at once.
#[expect(clippy::unnecessary_wraps, reason = "where no bars are drawn there is none")]
pub(super) fn bar(stage: &str, total: Option<u64>) -> Option<Bar> {
    let template = match total {
        Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{spinner} {msg} {bytes}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // The target comes last, as it draws at once.
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden()).with_style(style);
    bar.set_message(stage.to_owned());
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    bar.tick();
    Some(bar)
}
