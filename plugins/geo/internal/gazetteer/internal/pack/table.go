package main

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

// sources are the files of the levels, in the order of the levels.
var sources = [packed.Levels]string{"communes.csv.gz", "epci.csv.gz", "departements.csv", "regions.csv"}

// A line is a line of a CSV file by the names of its columns.
type line map[string]string

func readTable(source string) (*packed.Table, error) {
	table := &packed.Table{}
	var lines []line
	for level, name := range sources {
		read, err := readCSV(filepath.Join(source, name))
		if err != nil {
			return nil, err
		}
		slices.SortFunc(read, func(a, b line) int { return strings.Compare(a["code"], b["code"]) })
		table.Counts[level] = len(read)
		lines = append(lines, read...)
	}
	if err := fill(table, lines); err != nil {
		return nil, err
	}
	return table, check(table)
}

// check finds the communes that lie nowhere, and the codes that are listed twice.
func check(table *packed.Table) error {
	for _, row := range table.Rows[:table.Counts[packed.Communes]] {
		if row.Departement == packed.None || row.Region == packed.None {
			return fmt.Errorf("%s %s: it has no département or no région", row.Code, row.Name)
		}
	}
	for level := range sources {
		from, to := table.Level(level)
		for i := from + 1; i < to; i++ {
			if table.Rows[i].Code == table.Rows[i-1].Code {
				return fmt.Errorf("%s: %s is listed twice", sources[level], table.Rows[i].Code)
			}
		}
	}
	return nil
}

func fill(table *packed.Table, lines []line) error {
	places := index(table, lines)
	for _, l := range lines {
		row, err := places.row(l)
		if err != nil {
			return fmt.Errorf("%s %s: %w", l["code"], l["nom"], err)
		}
		table.Rows = append(table.Rows, row)
	}
	return nil
}

// places gives the place of each code of a level.
type places [packed.Levels]map[string]int32

func index(table *packed.Table, lines []line) *places {
	var p places
	for level := range p {
		p[level] = map[string]int32{}
		from, to := table.Level(level)
		for i := from; i < to; i++ {
			p[level][lines[i]["code"]] = int32(i)
		}
	}
	return &p
}

func (p *places) row(l line) (packed.Row, error) {
	row := packed.Row{Code: l["code"], Name: l["nom"], Kind: l["type"], Postal: l["codes_postaux"]}
	return row, errors.Join(
		whole(l["population"], &row.Population),
		whole(l["siren"], &row.SIREN),
		degrees(l["lon"], &row.Lon),
		degrees(l["lat"], &row.Lat),
		p.find(packed.EPCI, l["epci"], &row.EPCI),
		p.find(packed.Departements, l["departement"], &row.Departement),
		p.find(packed.Regions, l["region"], &row.Region),
		p.find(packed.Communes, l["chef_lieu"], &row.Chief),
	)
}

// find gives the place of a code, or packed.None where there is no code.
func (p *places) find(level int, code string, place *int32) error {
	*place = packed.None
	if code == "" {
		return nil
	}
	found, ok := p[level][code]
	if !ok {
		return fmt.Errorf("its code %s is not in %s", code, sources[level])
	}
	*place = found
	return nil
}

func whole(text string, n *int32) error {
	if text == "" {
		return nil
	}
	value, err := strconv.ParseInt(text, 10, 32)
	*n = int32(value)
	return err
}

func degrees(text string, n *int32) error {
	if text == "" {
		return nil
	}
	value, err := strconv.ParseFloat(text, 64)
	*n = fixed(value)
	return err
}

// fixed rounds degrees to the five decimals that are kept.
func fixed(degrees float64) int32 { return int32(math.Round(degrees * packed.Scale)) }

func readCSV(path string) ([]line, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(records) < 2 {
		return nil, fmt.Errorf("%s holds nothing", path)
	}
	return named(records[0], records[1:]), nil
}

func named(header []string, records [][]string) []line {
	lines := make([]line, len(records))
	for i, record := range records {
		lines[i] = line{}
		for j, field := range record {
			lines[i][header[j]] = strings.TrimSpace(field)
		}
	}
	return lines
}

// openFile opens a file that may be compressed.
func openFile(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return f, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return &gzipFile{Reader: z, file: f}, nil
}

// A gzipFile closes its file too.
type gzipFile struct {
	*gzip.Reader
	file *os.File
}

func (g *gzipFile) Close() error { return errors.Join(g.Reader.Close(), g.file.Close()) }
