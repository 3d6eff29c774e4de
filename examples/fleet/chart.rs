//! The chart, as SVG that is readable on a dark and on a light page.

use std::ops::Range;
use std::time::Duration;

use super::load::Load;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
/// The height of the plot of one policy, and the space above it for its name.
const PLOT: f64 = 72.0;
const TITLE: f64 = 24.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 30.0;
const HOURS: u32 = 24;
/// The plots end at 10^5 requests per second.
const DECADES: u32 = 5;

/// One plot for each load, one below the other: the largest second of each minute of a day.
pub(crate) fn svg(loads: &[Load], outage: Range<Duration>) -> String {
    let plots: String = (0u32..)
        .zip(loads)
        .map(|(row, load)| {
            plot(
                load,
                TOP + f64::from(row) * (TITLE + PLOT) + TITLE,
                row == 0,
            )
        })
        .collect();
    let rows = u32::try_from(loads.len()).expect("a few policies");
    let bottom = TOP + f64::from(rows) * (TITLE + PLOT);
    let (from, to) = (x(minutes(outage.start)), x(minutes(outage.end)));
    let hours: String = (0..=HOURS / 3)
        .map(|third| {
            let hour = third * 3;
            let x = x(f64::from(hour * 60));
            let y = bottom + 18.0;
            format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{hour} h</text>\n")
        })
        .collect();
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">
<title>Requests per second at the token endpoint over a day, 100 000 processes</title>
<style>
text {{ fill: #57606a }} .grid {{ stroke: #8c959f55 }} .outage {{ fill: #cf222e33 }}
.load {{ fill: #8c959f }} .ours {{ fill: #1a7f37 }} .name {{ fill: #24292f; font-weight: bold }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #9198a1 }} .outage {{ fill: #f8514944 }} .ours {{ fill: #3fb950 }} .name {{ fill: #f0f6fc }}
}}
</style>
<text x="{LEFT}" y="16">requests per second at the token endpoint, largest second of each minute, logarithmic; 100 000 processes</text>
<rect class="outage" x="{from:.1}" y="{TOP}" width="{width:.1}" height="{tall:.1}"/>
<text x="{middle:.1}" y="{above:.1}" text-anchor="middle">endpoint down for 10 min</text>
{plots}{hours}</svg>
"#,
        height = bottom + BOTTOM,
        width = to - from,
        tall = bottom - TOP,
        middle = f64::midpoint(from, to),
        above = TOP - 2.0,
    )
}

/// The plot of one load, whose top is at `top`.
fn plot(load: &Load, top: f64, is_ours: bool) -> String {
    let bottom = top + PLOT;
    let grid: String = [1, 3, DECADES]
        .iter()
        .map(|decade| {
            let y = bottom - f64::from(*decade) / f64::from(DECADES) * PLOT;
            let label = 10u32.pow(*decade);
            format!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" \
                 text-anchor=\"end\">{label}</text>\n",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0
            )
        })
        .collect();
    let class = if is_ours { "load ours" } else { "load" };
    format!(
        "<text class=\"name\" x=\"{LEFT}\" y=\"{:.1}\">{}</text>\n{grid}\
         <path class=\"{class}\" d=\"M{LEFT} {bottom:.1}{}V{bottom:.1}Z\"/>\n",
        top - 6.0,
        load.name(),
        steps(&load.peaks(), bottom)
    )
}

/// The outline of the minutes, without those that repeat the one before.
fn steps(peaks: &[u32], bottom: f64) -> String {
    let mut steps = String::new();
    let mut last = None;
    for (minute, peak) in (0u32..).zip(peaks) {
        if last != Some(peak) {
            let x = x(f64::from(minute));
            steps += &format!("H{x:.1}V{:.1}", bottom - height(*peak));
        }
        last = Some(peak);
    }
    steps + &format!("H{:.1}", WIDTH - RIGHT)
}

fn height(peak: u32) -> f64 {
    f64::from(peak.max(1)).log10() / f64::from(DECADES) * PLOT
}

fn x(minute: f64) -> f64 {
    LEFT + minute / f64::from(HOURS * 60) * (WIDTH - LEFT - RIGHT)
}

fn minutes(time: Duration) -> f64 {
    time.as_secs_f64() / 60.0
}
