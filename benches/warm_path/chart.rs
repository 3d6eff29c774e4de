//! A bar chart of what each case adds to a request.

use std::fmt::Write;

const BAR: usize = 24;
const LEFT: usize = 360;
const WIDTH: usize = 860;

/// Readable on light and on dark pages.
const STYLE: &str = "<style>\n\
    text { fill: #57606a } .title { font-size: 15px; font-weight: bold; fill: #24292f }\n\
    .limit { fill: #6e7781 } .other { fill: #afb8c1 } .ours { fill: #2a7ae2 }\n\
    @media (prefers-color-scheme: dark) {\n\
    text { fill: #9198a1 } .title { fill: #f0f6fc } .other { fill: #484f58 } .ours { fill: #58a6ff }\n\
    }\n\
    </style>\n";

/// An SVG of `bars`, in nanoseconds. The first bar is the plain insert.
pub(crate) fn svg(title: &str, bars: &[(&str, f64)]) -> String {
    let longest = bars.iter().map(|bar| bar.1).fold(1.0, f64::max);
    let limit = bars.first().map_or(1.0, |bar| bar.1);
    let (height, scale) = (50 + bars.len() * BAR, (WIDTH - LEFT - 130) as f64 / longest);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         {STYLE}\
         <text class=\"title\" x=\"12\" y=\"24\">{title}</text>\n"
    );
    for (index, (name, nanos)) in bars.iter().enumerate() {
        let (y, width) = (40 + index * BAR, nanos * scale);
        let class = match *name {
            _ if index == 0 => "limit",
            ours if ["Bearer", "Api-Key", "with_api_key"]
                .iter()
                .any(|part| ours.contains(part)) =>
            {
                "ours"
            }
            _ => "other",
        };
        let name = name.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{nanos:.0} ns, {:.1} x</text>",
            LEFT - 8,
            y + 15,
            BAR - 6,
            LEFT as f64 + width + 6.0,
            y + 15,
            nanos / limit,
        )
        .expect("writing to a string succeeds");
    }
    text + "</svg>\n"
}
