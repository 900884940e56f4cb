package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
)

func (p *program) content() *cobra.Command {
	return group("content", "Import and export entries", p.contentImport(), p.contentExport())
}

// importFlags are the flags of content import.
type importFlags struct {
	*remote
	typ, format, upsert, mapping string
	publish, dryRun              bool
}

func (p *program) contentImport() *cobra.Command {
	f := &importFlags{}
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Import entries from JSON Lines or CSV",
		Long: `Import entries from JSON Lines or CSV, from a file (.gz too) or from standard input.

A line holds the fields of one entry; _status says published, draft, or scheduled with a time in _publishAt. A reference
may be given by slug: {"_slug": "atelier", "_type": "partner"}, in CSV just atelier. A line that is wrong is reported
with its number, the place, the value and the reason; the others go in, and the exit code is 1. The plugins take part as in
any other write; what they find odd about a line that goes in is shown on standard error, the first 20 warnings and how many
lines have some, and changes nothing about the exit code.

Where there is no store yet, the import makes one; --dry-run does not, and wants one that is there.

With --upsert an entry that is there already is updated instead, and left alone when nothing differs: an import that was
interrupted is simply run again.`,
		Example: `  palabre content import fiches.jsonl --type fiche --upsert slug --publish
  palabre content import export.csv --type partner --map map.yaml --dry-run
  zcat big.jsonl.gz | palabre content import - --format jsonl --type fiche
  palabre content import fiches.jsonl --type fiche --url https://cms.example.org --token pal_…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.runImport(cmd, f, args[0]) },
	}
	f.remote = p.remote(cmd)
	p.writes(cmd)
	cmd.Flags().StringVar(&f.typ, "type", "", "content type of the lines that do not name theirs in _type")
	cmd.Flags().StringVar(&f.format, "format", "", "jsonl or csv (default by the file's name, then by its beginning)")
	cmd.Flags().StringVar(&f.upsert, "upsert", "", "the unique field, or _id, by which an entry that is there is found and updated")
	cmd.Flags().StringVar(&f.mapping, "map", "", "YAML or JSON file with names of fields and values to replace")
	cmd.Flags().BoolVar(&f.publish, "publish", false, "publish the lines that have no _status")
	cmd.Flags().BoolVar(&f.dryRun, dryRun, false, "check everything and report, write nothing")
	return cmd
}

func (p *program) runImport(cmd *cobra.Command, f *importFlags, name string) error {
	o, err := f.options(name)
	if err != nil {
		return usageError{err}
	}
	in, of, err := p.input(name)
	if err != nil {
		return err
	}
	defer in.Close()
	counted := &countingReader{Reader: in}
	bar := p.progress("Importing")
	o.Bad = func(b app.BadLine) { bar.end(); fmt.Fprintln(p.out, b) }
	odd := 0
	o.Warn = func(b app.BadLine) {
		if odd++; odd <= mostWarnings {
			bar.end()
			fmt.Fprintln(p.err, "warning:", b)
		}
	}
	o.Progress = func(lines int) { bar.at(lines, estimate(lines, counted.bytes, of)) }
	report, err := p.importTo(cmd, f, counted, o)
	bar.end()
	if report != nil {
		warned(p.err, report.Warned, odd)
		if writeErr := report.Write(p.out); err == nil {
			err = writeErr
		}
	}
	if err == nil && report.Failed > 0 {
		return errSilent
	}
	return err
}

// mostWarnings is how many warnings of an import are shown; the others are counted.
const mostWarnings = 20

// warned says how many lines of an import have warnings.
func warned(w io.Writer, lines, warnings int) {
	switch {
	case warnings > mostWarnings:
		fmt.Fprintf(w, "lines with warnings: %d; of %d warnings the first %d are shown\n", lines, warnings, mostWarnings)
	case lines > 0:
		fmt.Fprintf(w, "lines with warnings: %d\n", lines)
	}
}

func (f *importFlags) options(name string) (o app.ImportOptions, err error) {
	o = app.ImportOptions{Type: core.TypeName(f.typ), Upsert: f.upsert, Publish: f.publish, DryRun: f.dryRun, Locale: "en"}
	if o.Format, err = app.ParseFormat(f.format); err != nil {
		return o, err
	}
	if o.Format == "" {
		o.Format = app.FormatOf(name)
	}
	if f.mapping == "" {
		return o, nil
	}
	data, err := os.ReadFile(f.mapping)
	if err != nil {
		return o, err
	}
	o.Mapping, err = app.ParseMapping(data)
	return o, err
}

func (p *program) importTo(cmd *cobra.Command, f *importFlags, in io.Reader, o app.ImportOptions) (report *app.ImportReport, err error) {
	client, err := p.client(f.remote)
	if err != nil {
		return nil, err
	}
	if client != nil {
		return client.Import(cmd.Context(), in, o)
	}
	open := p.withNewStore
	if o.DryRun {
		open = p.withStore
	}
	err = open(cmd, func(ctx context.Context, a *app.App) (err error) {
		report, err = a.Import(ctx, in, o)
		return err
	})
	return report, err
}

// input opens a file, or standard input for "-", and tells its size, 0 when nobody knows.
func (p *program) input(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(p.in), 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, usageError{err}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// countingReader counts what was read.
type countingReader struct {
	io.Reader
	bytes int64
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.bytes += int64(n)
	return n, err
}

// estimate guesses how many lines there are from how much of the input made the first ones.
func estimate(lines int, read, of int64) int {
	if read == 0 || of == 0 {
		return 0
	}
	return max(lines, int(float64(lines)*float64(of)/float64(read)))
}

// exportFlags are the flags of content export.
type exportFlags struct {
	*remote
	typ, format, out, filter, state, locale string
}

func (p *program) contentExport() *cobra.Command {
	f := &exportFlags{}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export the entries of a type as JSON Lines or CSV",
		Long: `Export the entries of a type as JSON Lines or CSV. Drafts are included unless --state published is given.

The JSON Lines of an export can be imported again, identifiers, drafts, schedules and translations included. No cell of
the CSV can be taken for a formula by a spreadsheet.`,
		Example: `  palabre content export --type fiche > fiches.jsonl
  palabre content export --type fiche --out fiches.csv --filter '{"region": {"eq": "44"}}' --state published --locale fr`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runExport(cmd, f) },
	}
	f.remote = p.remote(cmd)
	cmd.Flags().StringVar(&f.typ, "type", "", "content type (required)")
	cmd.Flags().StringVar(&f.format, "format", "", "jsonl or csv (default by the name of --out, else jsonl)")
	cmd.Flags().StringVar(&f.out, "out", "", "file to write (default standard output)")
	cmd.Flags().StringVar(&f.filter, "filter", "", "only these: a filter tree in JSON, as in the API")
	cmd.Flags().StringVar(&f.state, "state", "draft", "draft (the latest of all), published or trash")
	cmd.Flags().StringVar(&f.locale, "locale", "", "localised fields in this language (default as stored, translations beside)")
	_ = cmd.MarkFlagRequired("type")
	return cmd
}

func (p *program) runExport(cmd *cobra.Command, f *exportFlags) (err error) {
	o, err := f.options()
	if err != nil {
		return usageError{err}
	}
	client, err := p.client(f.remote)
	if err != nil {
		return err
	}
	bar := p.progress("Exporting")
	o.Progress = bar.at
	return p.toFile(f.out, func(out io.Writer) (err error) {
		defer bar.end()
		if client != nil {
			_, err = client.Export(cmd.Context(), out, o)
			return err
		}
		return p.withStore(cmd, func(ctx context.Context, a *app.App) error {
			_, err := a.Export(ctx, out, o)
			return err
		})
	})
}

func (f *exportFlags) options() (o app.ExportOptions, err error) {
	o = app.ExportOptions{Type: core.TypeName(f.typ), State: core.State(f.state), Locale: core.Locale(f.locale)}
	switch o.State {
	case core.StateDraft, core.StatePublished, core.StateTrash:
	default:
		return o, fmt.Errorf("--state %s: use draft, published or trash", f.state)
	}
	if f.filter != "" && !json.Valid([]byte(f.filter)) {
		return o, fmt.Errorf("--filter is not JSON: %s", f.filter)
	}
	o.Filter = f.filter
	if o.Format, err = app.ParseFormat(f.format); err != nil {
		return o, err
	}
	if o.Format == "" {
		o.Format = app.FormatOf(f.out)
	}
	return o, nil
}

// toFile writes a file that is there whole or not at all, and that its owner alone may read; "" is standard output.
func (p *program) toFile(name string, write func(io.Writer) error) error {
	if name == "" || name == "-" {
		return write(p.out)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return core.Errorf(core.CodeConflict, "%s is no file that could be replaced: name another one, or - for standard output", name)
	}
	f, err := os.CreateTemp(dirOf(name), ".palabre-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
