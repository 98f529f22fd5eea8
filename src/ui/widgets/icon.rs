//! Small line drawings on a 14 by 14 grid, drawn by code so that no font has to hold them.

use egui::{Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, vec2};

use super::super::state::PanelId;
use super::super::theme::theme;

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what they show")]
pub enum Icon {
    Overview,
    Traffic,
    History,
    Accounts,
    Models,
    Batch,
    Planner,
    Settings,
    Copy,
    Check,
    Close,
    Chevron,
    Alert,
    Info,
    Mark,
}

impl From<PanelId> for Icon {
    fn from(panel: PanelId) -> Self {
        match panel {
            PanelId::Overview => Self::Overview,
            PanelId::Traffic => Self::Traffic,
            PanelId::History => Self::History,
            PanelId::Accounts => Self::Accounts,
            PanelId::Models => Self::Models,
            PanelId::Batch => Self::Batch,
            PanelId::Planner => Self::Planner,
            PanelId::Settings => Self::Settings,
        }
    }
}

impl Icon {
    /// Draws it into the middle of `rect`, as large as fits.
    pub fn paint(self, painter: &Painter, rect: Rect, color: Color32) {
        let side = rect.width().min(rect.height());
        let unit = side / 14.0;
        let origin = rect.center() - Vec2::splat(side / 2.0);
        let pen = Pen { painter, origin, unit, stroke: Stroke::new((1.25 * unit).max(1.0), color) };
        match self {
            Self::Overview => {
                for (y, width) in [(2.5, 11.0), (7.0, 6.5), (11.5, 9.0)] {
                    pen.bar(1.5, y - 1.0, width, 2.0);
                }
            }
            Self::Traffic => {
                pen.line(&[(1.0, 4.5), (12.5, 4.5)]);
                pen.line(&[(9.5, 1.8), (12.5, 4.5), (9.5, 7.2)]);
                pen.line(&[(13.0, 10.0), (1.5, 10.0)]);
                pen.line(&[(4.5, 7.3), (1.5, 10.0), (4.5, 12.7)]);
            }
            Self::History => {
                pen.line(&[(1.0, 3.0), (13.0, 3.0)]);
                pen.line(&[(1.0, 12.0), (4.5, 7.5), (7.5, 10.0), (13.0, 5.0)]);
            }
            Self::Accounts => {
                pen.circle(4.5, 7.0, 3.0);
                pen.line(&[(7.5, 7.0), (13.0, 7.0), (13.0, 10.0)]);
                pen.line(&[(10.5, 7.0), (10.5, 9.2)]);
            }
            Self::Models => {
                for (x, y) in [(1.5, 1.5), (8.0, 1.5), (1.5, 8.0), (8.0, 8.0)] {
                    pen.frame(x, y, 4.5, 4.5);
                }
            }
            Self::Batch => {
                pen.line(&[(1.0, 4.5), (7.0, 1.5), (13.0, 4.5), (7.0, 7.5), (1.0, 4.5)]);
                pen.line(&[(1.0, 7.5), (7.0, 10.5), (13.0, 7.5)]);
                pen.line(&[(1.0, 10.3), (7.0, 13.3), (13.0, 10.3)]);
            }
            Self::Planner => {
                pen.frame(1.5, 2.5, 11.0, 10.0);
                pen.line(&[(1.5, 5.7), (12.5, 5.7)]);
                pen.line(&[(4.5, 1.0), (4.5, 3.5)]);
                pen.line(&[(9.5, 1.0), (9.5, 3.5)]);
            }
            Self::Settings => {
                for (y, x) in [(3.0, 9.5), (7.0, 4.5), (11.0, 8.0)] {
                    pen.line(&[(1.0, y), (x - 1.7, y)]);
                    pen.circle(x, y, 1.7);
                    pen.line(&[(x + 1.7, y), (13.0, y)]);
                }
            }
            Self::Copy => {
                pen.frame(4.5, 4.5, 7.5, 7.5);
                pen.line(&[(9.5, 2.0), (2.0, 2.0), (2.0, 9.5)]);
            }
            Self::Check => pen.line(&[(2.0, 7.5), (5.5, 11.0), (12.0, 3.5)]),
            Self::Close => {
                pen.line(&[(3.0, 3.0), (11.0, 11.0)]);
                pen.line(&[(11.0, 3.0), (3.0, 11.0)]);
            }
            Self::Chevron => pen.line(&[(3.5, 5.5), (7.0, 9.0), (10.5, 5.5)]),
            Self::Alert => {
                pen.line(&[(7.0, 1.5), (13.0, 12.5), (1.0, 12.5), (7.0, 1.5)]);
                pen.line(&[(7.0, 5.5), (7.0, 8.8)]);
                pen.dot(7.0, 10.6, 0.9);
            }
            Self::Info => {
                pen.circle(7.0, 7.0, 5.5);
                pen.line(&[(7.0, 6.3), (7.0, 10.0)]);
                pen.dot(7.0, 4.2, 0.9);
            }
            Self::Mark => {
                // three levels under one line: a bucket each, and the tier that caps them
                pen.bar(1.0, 1.0, 12.0, 1.6);
                pen.bar(1.5, 8.5, 2.6, 4.5);
                pen.bar(5.7, 4.5, 2.6, 8.5);
                pen.bar(9.9, 6.5, 2.6, 6.5);
            }
        }
    }

    /// Takes room for it in a line and draws it.
    pub fn show(self, ui: &mut Ui, color: Color32) -> Response {
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(theme().size.icon), Sense::hover());
        self.paint(ui.painter(), rect, color);
        response
    }
}

struct Pen<'a> {
    painter: &'a Painter,
    origin: Pos2,
    unit: f32,
    stroke: Stroke,
}

impl Pen<'_> {
    fn at(&self, (x, y): (f32, f32)) -> Pos2 {
        self.origin + vec2(x, y) * self.unit
    }

    fn line(&self, points: &[(f32, f32)]) {
        self.painter.add(Shape::line(points.iter().map(|p| self.at(*p)).collect(), self.stroke));
    }

    fn rect(&self, x: f32, y: f32, width: f32, height: f32) -> Rect {
        Rect::from_min_size(self.at((x, y)), vec2(width, height) * self.unit)
    }

    fn frame(&self, x: f32, y: f32, width: f32, height: f32) {
        self.painter.rect_stroke(self.rect(x, y, width, height), self.unit, self.stroke, StrokeKind::Middle);
    }

    fn bar(&self, x: f32, y: f32, width: f32, height: f32) {
        self.painter.rect_filled(self.rect(x, y, width, height), self.unit * 0.6, self.stroke.color);
    }

    fn circle(&self, x: f32, y: f32, radius: f32) {
        self.painter.circle_stroke(self.at((x, y)), radius * self.unit, self.stroke);
    }

    fn dot(&self, x: f32, y: f32, radius: f32) {
        self.painter.circle_filled(self.at((x, y)), radius * self.unit, self.stroke.color);
    }
}
