//! A short table whose columns keep their place: fixed widths, one that takes the rest, numbers to the right.
//!
//! For tables of a few dozen rows, whose cells are widgets; the long one of the traffic paints its cells.

use egui::{Align, Color32, Label, Layout, Rangef, Rect, Response, RichText, Sense, Stroke, Ui, UiBuilder, vec2};

use super::super::theme::{colors, note, theme};
use super::sort::{self, Order};

/// Between two columns.
const GAP: f32 = 10.0;

/// Open columns are no narrower, as long as others can give way.
const LEAST: f32 = 84.0;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What stands above it.
    pub head: &'static str,
    /// Its width in points; zero takes a share of the rest.
    pub width: f32,
    /// Numbers go to the right.
    pub right: bool,
    /// Which columns give way first where the width is short: 1, then 2, ... and 0 never.
    pub gives_way: u8,
}

impl Column {
    /// Text, of a fixed width.
    #[must_use]
    pub const fn text(head: &'static str, width: f32) -> Self {
        Self { head, width, right: false, gives_way: 0 }
    }

    /// Numbers, of a fixed width.
    #[must_use]
    pub const fn number(head: &'static str, width: f32) -> Self {
        Self { head, width, right: true, gives_way: 0 }
    }

    /// Text that takes a share of what is left.
    #[must_use]
    pub const fn rest(head: &'static str) -> Self {
        Self { head, width: 0.0, right: false, gives_way: 0 }
    }

    /// The same column, which gives way where the width is short.
    #[must_use]
    pub const fn gives_way(self, rank: u8) -> Self {
        Self { gives_way: rank, ..self }
    }
}

/// Where the columns are.
#[derive(Debug)]
pub struct Grid {
    /// A column that gave way has no range.
    columns: Vec<(Column, Option<Rangef>)>,
    row: f32,
}

impl Grid {
    /// Fits the columns into the width that is left.
    #[must_use]
    pub fn new(ui: &Ui, columns: &[Column], row: f32) -> Self {
        Self::fitting(ui.available_width(), columns, row)
    }

    /// The same for rows that scroll under a head that does not: the bar takes its width from both.
    #[must_use]
    pub fn scrolled(ui: &Ui, columns: &[Column], row: f32) -> Self {
        Self::fitting(ui.available_width() - ui.spacing().scroll.allocated_width(), columns, row)
    }

    fn fitting(width: f32, columns: &[Column], row: f32) -> Self {
        let mut gone = 0;
        while share(width, columns, gone) < LEAST {
            let Some(next) = columns.iter().map(|c| c.gives_way).filter(|rank| *rank > gone).min() else { break };
            gone = next;
        }
        let share = share(width, columns, gone).max(LEAST);
        let mut x = 0.0;
        let place = |column: &Column| {
            if !stays(column, gone) {
                return (*column, None);
            }
            let width = if column.width == 0.0 { share } else { column.width };
            let range = Rangef::new(x, x + width);
            x += width + GAP;
            (*column, Some(range))
        };
        Self { columns: columns.iter().map(place).collect(), row }
    }

    /// The column heads, over a hair line.
    pub fn head(&self, ui: &mut Ui) {
        let line = colors(ui).line;
        let rect = self.line(ui, self.row, |cells| {
            for (column, _) in &self.columns {
                let text = note(cells.ui, column.head);
                cells.text(text);
            }
        });
        ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, Color32::from(line)));
    }

    /// The same with heads that sort. A column without a name has nothing to sort by.
    pub fn sorting_head(&self, ui: &mut Ui, order: &mut Option<Order>) {
        let line = colors(ui).line;
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), self.row), Sense::hover());
        for (column, range) in self.columns.iter().filter(|(column, _)| !column.head.is_empty()) {
            if let Some(range) = range {
                let place = Rect::from_x_y_ranges(rect.left() + range.min..=rect.left() + range.max, rect.y_range());
                sort::head(ui, place, column.head, column.right, order);
            }
        }
        ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, Color32::from(line)));
    }

    /// One row that can be chosen.
    pub fn selectable_row(&self, ui: &mut Ui, chosen: bool, cells: impl FnOnce(&mut Cells<'_>)) -> Response {
        if chosen {
            let rect = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), self.row)).expand2(vec2(theme().space.tight, 0.0));
            ui.painter().rect_filled(rect, theme().size.radius, Color32::from(colors(ui).selected));
        }
        self.row(ui, Sense::click(), cells)
    }

    /// Marks the row that comes next as the one that decides: a tinted ground, and a bar in the margin.
    pub fn mark_next(&self, ui: &Ui) {
        let rect = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), self.row)).expand2(vec2(theme().space.tight, 0.0));
        let c = colors(ui);
        ui.painter().rect_filled(rect, theme().size.radius, Color32::from(c.decides));
        ui.painter().rect_filled(rect.with_max_x(rect.left() + theme().space.hair), 0.0, Color32::from(c.binding));
    }

    /// One row. The answer is for the whole of it; cells that sense clicks themselves lie above.
    pub fn row(&self, ui: &mut Ui, sense: Sense, cells: impl FnOnce(&mut Cells<'_>)) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), self.row), sense);
        let ground = rect.expand2(vec2(theme().space.tight, 0.0));
        if response.contains_pointer() || response.has_focus() {
            ui.painter().rect_filled(ground, theme().size.radius, Color32::from(colors(ui).hover).gamma_multiply(0.6));
        }
        if response.has_focus() {
            ui.painter().rect_stroke(ground, theme().size.radius, (1.5, Color32::from(colors(ui).accent)), egui::StrokeKind::Inside);
        }
        cells(&mut Cells { ui, grid: self, rect, next: 0 });
        response
    }

    fn line(&self, ui: &mut Ui, height: f32, cells: impl FnOnce(&mut Cells<'_>)) -> Rect {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
        cells(&mut Cells { ui, grid: self, rect, next: 0 });
        rect
    }
}

const fn stays(column: &Column, gone: u8) -> bool {
    column.gives_way == 0 || column.gives_way > gone
}

/// What each open column gets once the columns up to rank `gone` have given way.
fn share(width: f32, columns: &[Column], gone: u8) -> f32 {
    let stay: Vec<&Column> = columns.iter().filter(|c| stays(c, gone)).collect();
    let fixed: f32 = stay.iter().map(|c| c.width).sum::<f32>() + GAP * stay.len().saturating_sub(1) as f32;
    let open = stay.iter().filter(|c| c.width == 0.0).count().max(1) as f32;
    (width - fixed) / open
}

/// Fills the cells of a row from left to right.
pub struct Cells<'a> {
    /// Where it draws.
    pub ui: &'a mut Ui,
    grid: &'a Grid,
    rect: Rect,
    next: usize,
}

impl Cells<'_> {
    /// A text, cut where the column ends; the whole of it then stands on hover.
    pub fn text(&mut self, text: impl Into<RichText>) -> Response {
        let text = text.into();
        self.cell(|ui| ui.add(Label::new(text).truncate()))
    }

    /// Anything that fits into the cell.
    pub fn cell<R>(&mut self, content: impl FnOnce(&mut Ui) -> R) -> R {
        let (column, range) = self.grid.columns.get(self.next).copied().unwrap_or((Column::rest(""), None));
        self.next += 1;
        let Some(range) = range else {
            let nowhere = Rect::from_min_size(self.rect.right_top(), vec2(0.0, self.rect.height()));
            return content(&mut self.ui.new_child(UiBuilder::new().id_salt(self.next).max_rect(nowhere).invisible()));
        };
        let rect = Rect::from_x_y_ranges(self.rect.left() + range.min..=self.rect.left() + range.max, self.rect.y_range());
        let layout = if column.right { Layout::right_to_left(Align::Center) } else { Layout::left_to_right(Align::Center) };
        let mut ui = self.ui.new_child(UiBuilder::new().id_salt(self.next).max_rect(rect).layout(layout));
        ui.spacing_mut().item_spacing.x = theme().space.tight;
        content(&mut ui)
    }
}
