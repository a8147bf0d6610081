//! Parquet: chosen attributes, one interaction a row.
//!
//! A column of date-times is one of timestamps in UTC, in microseconds; every other one is of texts, as in
//! CSV. A row group is written when it is full, so memory is bounded however long the table is.

use super::columns::cell;
use crate::domain::interaction::Members;
use crate::domain::scalar::Instant;
use anyhow::{Context, ensure};
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

/// Rows that are written together, at most.
const MOST_ROWS: usize = 100_000;
/// The same in bytes of texts; the row that exceeds it is the last.
const MOST_BYTES: usize = 16 << 20;

/// A table on its way out.
pub(super) struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

/// What is not written yet of a column.
struct Column {
    path: Vec<String>,
    cells: Cells,
    /// For each row whether there is a cell: 1 or 0.
    levels: Vec<i16>,
}

enum Cells {
    Texts(Vec<ByteArray>),
    /// In microseconds since 1970.
    Instants(Vec<i64>),
}

impl<W: Write + Send> Table<W> {
    /// A table with a column for each path, and whether that is of date-times.
    pub(super) fn create(
        output: W,
        paths: impl Iterator<Item = (Vec<String>, bool)>,
    ) -> anyhow::Result<Self> {
        let column = |(path, is_time)| {
            let cells = if is_time { Cells::Instants(vec![]) } else { Cells::Texts(vec![]) };
            Column { path, cells, levels: Vec::new() }
        };
        let columns: Vec<Column> = paths.map(column).collect();
        let mut names = HashSet::new();
        let twice = columns.iter().find(|column| !names.insert(&column.path));
        ensure!(twice.is_none(), "--fields: a table has each column once");
        let fields = columns.iter().map(Column::field).collect::<ParquetResult<Vec<_>>>()?;
        let schema = Type::group_type_builder("interaction").with_fields(fields).build()?;
        let properties = Arc::new(WriterProperties::builder().build());
        let writer = SerializedFileWriter::new(output, Arc::new(schema), properties)?;
        Ok(Self { writer, columns, rows: 0, bytes: 0 })
    }

    /// One interaction.
    pub(super) fn row(&mut self, view: &Members) -> anyhow::Result<()> {
        for column in &mut self.columns {
            self.bytes += column.take(cell(view, &column.path))?;
        }
        self.rows += 1;
        if self.rows >= MOST_ROWS || self.bytes >= MOST_BYTES {
            self.write()?;
        }
        Ok(())
    }

    /// With its end, so that what is in it can be read.
    pub(super) fn finish(mut self) -> anyhow::Result<W> {
        if self.rows > 0 {
            self.write()?;
        }
        Ok(self.writer.into_inner()?)
    }

    fn write(&mut self) -> ParquetResult<()> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column()? else { break };
            let levels = Some(&column.levels[..]);
            match &mut column.cells {
                Cells::Texts(cells) => {
                    writer.typed::<ByteArrayType>().write_batch(cells, levels, None)?;
                    cells.clear();
                }
                Cells::Instants(cells) => {
                    writer.typed::<Int64Type>().write_batch(cells, levels, None)?;
                    cells.clear();
                }
            }
            writer.close()?;
            column.levels.clear();
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Column {
    fn field(&self) -> ParquetResult<Arc<Type>> {
        let (physical, logical) = match self.cells {
            Cells::Texts(_) => (Physical::BYTE_ARRAY, LogicalType::String),
            Cells::Instants(_) => (Physical::INT64, LogicalType::timestamp(true, TimeUnit::MICROS)),
        };
        let name = self.path.join(".");
        let field = Type::primitive_type_builder(&name, physical);
        let field = field.with_logical_type(Some(logical)).with_repetition(Repetition::OPTIONAL);
        field.build().map(Arc::new)
    }

    /// Takes a cell, and answers how much memory that needs.
    fn take(&mut self, cell: Option<String>) -> anyhow::Result<usize> {
        self.levels.push(i16::from(cell.is_some()));
        let Some(text) = cell else { return Ok(0) };
        let bytes = text.len();
        match &mut self.cells {
            Cells::Texts(cells) => cells.push(text.into_bytes().into()),
            Cells::Instants(cells) => {
                let told = || format!("{}: {text} is not one date-time", self.path.join("."));
                cells.push(Instant::parse(&text).with_context(told)?.floor_us());
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::reread;
    use bytes::Bytes;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    fn table() -> Table<Vec<u8>> {
        let path = |names: &str| names.split('.').map(str::to_owned).collect();
        let paths = [(path("id"), false), (path("a.b"), false), (path("at"), true)];
        Table::create(Vec::new(), paths.into_iter()).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut table = table();
        for row in [
            r#"{"id":"1","a":[{"b":1e3},{"b":"x"}],"at":"2024-05-01T02:00:00.5+02:00"}"#,
            r#"{"id":"2","a":null}"#,
        ] {
            table.row(&reread(row).unwrap()).unwrap();
        }
        // Another row group.
        table.write().unwrap();
        table.row(&reread(r#"{"id":"3","a":{"b":{"c":[]}},"at":null}"#).unwrap()).unwrap();
        let file = table.finish().unwrap();
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        assert_eq!(reader.num_row_groups(), 2);
        let rows = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string());
        assert_eq!(
            rows.collect::<Vec<_>>(),
            [
                r#"{id: "1", a.b: "[1e3,"x"]", at: 2024-05-01 00:00:00.500000 +00:00}"#,
                r#"{id: "2", a.b: null, at: null}"#,
                r#"{id: "3", a.b: "{"c":[]}", at: null}"#,
            ]
        );
    }

    #[test]
    fn none_is_a_table_too() {
        let file = table().finish().unwrap();
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }

    #[test]
    fn several_times_are_none() {
        let view = reread(r#"{"at":["2024-05-01T00:00:00Z","2024-05-02T00:00:00Z"]}"#).unwrap();
        let error = table().row(&view).unwrap_err().to_string();
        assert!(error.starts_with("at: ["), "{error}");
    }
}
