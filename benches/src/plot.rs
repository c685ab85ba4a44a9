//! Plots as SVG, by hand: a page of panels, each of grouped bars or of lines.
//!
//! ```text
//! title                                 a page is PAGE wide and as high as
//! subtitle                              its panels
//! panel title     ■ series  ■ series
//!   y |  ▇▅▂   ▇▆▃
//!     +--group-group--
//! ```
//!
//! Not here: numbers (`interleave`), files (`report`).

use std::fmt::Write as _;

/// Widths and heights. [px]
const PAGE: f64 = 1000.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const PLOT_HEIGHT: f64 = 210.0;
const HEAD: f64 = 62.0;
const FOOT: f64 = 52.0;
const TITLE: f64 = 64.0;

/// Colours that most people can tell apart. (Okabe and Ito, 2008.)
const COLOURS: [&str; 7] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999"];

/// What is drawn in one frame.
pub enum Panel {
    /// Grouped bars.
    Bars(Bars),
    /// Lines over numbers.
    Lines(Lines),
}

/// A bar for each series in each group.
pub struct Bars {
    /// What the height means, with its unit.
    pub title: String,
    /// Labels; `\n` begins another line, of three at most.
    pub groups: Vec<String>,
    /// A value for each group; `None` where there is none.
    pub series: Vec<(String, Vec<Option<f64>>)>,
}

/// A line for each series.
pub struct Lines {
    /// What the height means, with its unit.
    pub title: String,
    /// What the horizontal axis means, with its unit.
    pub x_title: String,
    /// Points, from left to right.
    pub series: Vec<(String, Vec<(f64, f64)>)>,
}

/// One SVG of all `panels`, one below the other.
pub fn page(title: &str, subtitle: &str, panels: &[Panel]) -> String {
    let panel_height = HEAD + PLOT_HEIGHT + FOOT;
    let height = TITLE + panel_height * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {PAGE} {height}\" width=\"{PAGE}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"{PAGE}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    svg += &text((LEFT, 28.0), title, "font-size=\"19\" font-weight=\"bold\"");
    svg += &text((LEFT, 48.0), subtitle, "fill=\"#555\"");
    for (nth, panel) in panels.iter().enumerate() {
        let top = TITLE + panel_height * nth as f64;
        let _ = writeln!(svg, "<g transform=\"translate(0 {top})\">");
        svg += &match panel {
            Panel::Bars(bars) => bars.draw(),
            Panel::Lines(lines) => lines.draw(),
        };
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

impl Bars {
    fn draw(&self) -> String {
        let values = || self.series.iter().flat_map(|(_, values)| values).flatten();
        let scale = Scale::up_to(values().copied().fold(0.0, f64::max));
        let names: Vec<&str> = self.series.iter().map(|(name, _)| name.as_str()).collect();
        let mut svg = head(&self.title, &names) + &scale.grid();
        let group_width = (PAGE - LEFT - RIGHT) / self.groups.len() as f64;
        let bar_width = (group_width * 0.86 / self.series.len() as f64).min(60.0);
        let inset = (group_width - bar_width * self.series.len() as f64) / 2.0;
        for (group, label) in self.groups.iter().enumerate() {
            let left = LEFT + group_width * group as f64;
            for (line, label) in label.split('\n').enumerate() {
                let at = (left + group_width / 2.0, HEAD + PLOT_HEIGHT + 16.0 + 15.0 * line as f64);
                svg += &text(at, label, "text-anchor=\"middle\"");
            }
            for (nth, (_, values)) in self.series.iter().enumerate() {
                let Some(value) = values.get(group).copied().flatten() else { continue };
                let (x, y) = (left + inset + bar_width * nth as f64, scale.y(value));
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                    bar_width - 1.0,
                    HEAD + PLOT_HEIGHT - y,
                    colour(nth)
                );
                let style = "text-anchor=\"middle\" font-size=\"10\"";
                svg += &text((x + bar_width / 2.0, y - 3.0), &short(value), style);
            }
        }
        svg
    }
}

impl Lines {
    fn draw(&self) -> String {
        let points = || self.series.iter().flat_map(|(_, points)| points);
        let scale = Scale::up_to(points().map(|point| point.1).fold(0.0, f64::max));
        let mut ticks: Vec<f64> = points().map(|point| point.0).collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        let (low, high) = match ticks.as_slice() {
            [low, .., high] => (*low, *high),
            _ => (0.0, 1.0),
        };
        let width = PAGE - LEFT - RIGHT - 40.0;
        let x = |value: f64| LEFT + 20.0 + width * (value - low) / (high - low);
        let names: Vec<&str> = self.series.iter().map(|(name, _)| name.as_str()).collect();
        let mut svg = head(&self.title, &names) + &scale.grid();
        for &tick in &ticks {
            let at = (x(tick), HEAD + PLOT_HEIGHT + 16.0);
            svg += &text(at, &tick.to_string(), "text-anchor=\"middle\"");
        }
        let middle = (LEFT + (PAGE - LEFT - RIGHT) / 2.0, HEAD + PLOT_HEIGHT + 34.0);
        svg += &text(middle, &self.x_title, "text-anchor=\"middle\" fill=\"#555\"");
        for (nth, (_, points)) in self.series.iter().enumerate() {
            let at: Vec<_> = points.iter().map(|point| (x(point.0), scale.y(point.1))).collect();
            let path: String = at.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
            let colour = colour(nth);
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                path.trim_end()
            );
            for ((x, y), point) in at.iter().zip(points) {
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
                );
                let style = "text-anchor=\"middle\" font-size=\"10\"";
                svg += &text((*x, y - 6.0), &short(point.1), style);
            }
        }
        svg
    }
}

/// A vertical axis from 0.
struct Scale {
    top: f64,
    step: f64,
}

impl Scale {
    /// Round steps, about five of them.
    fn up_to(most: f64) -> Self {
        let most = if most > 0.0 { most * 1.05 } else { 1.0 };
        let magnitude = 10f64.powf((most / 5.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude);
        let step = steps.into_iter().find(|step| step * 5.5 >= most).unwrap_or(steps[3]);
        Self { top: (most / step).ceil() * step, step }
    }

    fn y(&self, value: f64) -> f64 {
        HEAD + PLOT_HEIGHT * (1.0 - value / self.top)
    }

    fn grid(&self) -> String {
        let mut svg = String::new();
        for tick in 0..=(self.top / self.step).round() as usize {
            let value = self.step * tick as f64;
            let y = self.y(value);
            let colour = if tick == 0 { "#222" } else { "#ddd" };
            let right = PAGE - RIGHT;
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\"/>"
            );
            let label = format!("{}", (value * 1000.0).round() / 1000.0);
            svg += &text((LEFT - 8.0, y + 4.0), &label, "text-anchor=\"end\" fill=\"#555\"");
        }
        svg
    }
}

/// The title of a panel and its legend.
fn head(title: &str, names: &[&str]) -> String {
    let mut svg = text((LEFT, 18.0), title, "font-size=\"14\" font-weight=\"bold\"");
    let mut x = LEFT;
    for (nth, name) in names.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"27\" width=\"11\" height=\"11\" fill=\"{}\"/>",
            colour(nth)
        );
        svg += &text((x + 16.0, 37.0), name, "");
        x += 16.0 + 7.2 * name.chars().count() as f64 + 22.0;
    }
    svg
}

fn colour(nth: usize) -> &'static str {
    COLOURS[nth % COLOURS.len()]
}

/// Three digits at most: it has to fit a bar.
fn short(value: f64) -> String {
    if value.abs() < 9.95 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn text((x, y): (f64, f64), text: &str, style: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{text}</text>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_round_and_holds_all() {
        for (most, top, step) in [(40.0, 50.0, 10.0), (9.0, 10.0, 2.0), (0.33, 0.4, 0.1)] {
            let scale = Scale::up_to(most);
            assert!((scale.top - top).abs() < 1e-9, "{most}: {}", scale.top);
            assert!((scale.step - step).abs() < 1e-9, "{most}: {}", scale.step);
        }
        assert!(Scale::up_to(0.0).top > 0.0);
    }

    #[test]
    fn a_page_escapes_what_it_is_given() {
        let bars = Bars {
            title: "a < b".into(),
            groups: vec!["g".into()],
            series: vec![("s & t".into(), vec![Some(1.0)]), ("none".into(), vec![None])],
        };
        let svg = page("title", "x > y", &[Panel::Bars(bars)]);
        assert!(svg.contains("a &lt; b") && svg.contains("s &amp; t") && svg.contains("x &gt; y"));
        assert_eq!(svg.matches("<rect").count(), 1 + 2 + 1, "page, legend, one bar");
    }
}
