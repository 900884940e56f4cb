package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
)

func (p *program) privacy() *cobra.Command {
	return group("privacy", "Look after personal data: register, search, export, erasure, retention",
		p.privacyRegister(), p.privacyFind(), p.privacyExport(), p.privacyErase(), p.privacySweep())
}

// onPrivacy runs f on the store, or through the API of a running server.
func (p *program) onPrivacy(cmd *cobra.Command, r *remote, f func(ctx context.Context, s app.PrivacyStore) error) error {
	client, err := p.client(r)
	if err != nil {
		return err
	}
	if client != nil {
		return f(cmd.Context(), client.Privacy())
	}
	return p.withStore(cmd, func(ctx context.Context, a *app.App) error { return f(ctx, a.PrivacyStore()) })
}

func (p *program) privacyRegister() *cobra.Command {
	var asCSV bool
	cmd := &cobra.Command{Use: "register", Short: "List the processing of personal data that the content types declare", Args: cobra.NoArgs}
	r := p.remote(cmd)
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print a table for a spreadsheet")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.onPrivacy(cmd, r, func(ctx context.Context, s app.PrivacyStore) error {
			lines, err := s.Register(ctx)
			if err != nil {
				return err
			}
			if asCSV {
				_, err := p.out.Write(app.RegisterTable(lines, "en"))
				return err
			}
			out := printer{w: p.out}
			for _, l := range lines {
				out.linef("%s: %s, %s, %s, %s, kept %s, %s entries\n  %s", l.Type, l.Subject, l.Purpose, l.Basis, l.Class, either(l.Keep, "without limit"), thousands(l.Entries), strings.Join(l.Fields, ", "))
			}
			return out.err
		})
	}
	return cmd
}

func either(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (p *program) privacyFind() *cobra.Command {
	var types []string
	cmd := &cobra.Command{Use: "find TEXT", Short: "Look for somebody in all entries, past versions included", Args: cobra.ExactArgs(1),
		Long: `Look for a name, an e-mail address or a telephone number in the personal fields of all entries: drafts, published ones, the
trash, and earlier versions. Mentions are places that no content type declares personal: look at them yourself. Those in
earlier versions are told with the version, its position in the log, and where in it they stand.`,
		Example: `  palabre privacy find "Camille Exemple"`}
	r := p.remote(cmd)
	cmd.Flags().StringArrayVar(&types, "type", nil, "only in this type (again for more)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.onPrivacy(cmd, r, func(ctx context.Context, s app.PrivacyStore) error {
			report, err := s.Find(ctx, subject(args[0], types))
			if err != nil {
				return err
			}
			return p.printSubject(report)
		})
	}
	return cmd
}

func subject(text string, types []string) core.SubjectQuery {
	q := core.SubjectQuery{Text: text}
	for _, t := range types {
		q.Types = append(q.Types, core.TypeName(t))
	}
	return q
}

func (p *program) printSubject(r *core.SubjectReport) error {
	out := printer{w: p.out}
	for _, kind := range []struct {
		name string
		list []core.SubjectEntry
	}{{"Found", r.Found}, {"Mentions", r.Mentions}} {
		out.linef("%s: %d", kind.name, len(kind.list))
		for _, e := range kind.list {
			out.linef("  %s/%s  %s  in %s  (%s)", e.Type, e.ID, strings.Join(e.Fields, ", "), strings.Join(e.In, ", "), e.Title)
			printPast(&out, &e)
		}
	}
	if r.More {
		out.linef("There are more: look for something longer, or in one type.")
	}
	return out.err
}

// printPast writes where earlier versions hold somebody, a version a line.
func printPast(out *printer, e *core.SubjectEntry) {
	for i := 0; i < len(e.Past); {
		at, pointers := e.Past[i], []string{}
		for ; i < len(e.Past) && e.Past[i].Position == at.Position; i++ {
			pointers = append(pointers, e.Past[i].Pointer)
		}
		out.linef("    version %d, position %d: %s", at.Rev, at.Position, strings.Join(pointers, ", "))
	}
	if e.MorePast {
		out.linef("    and more")
	}
}

func (p *program) privacyExport() *cobra.Command {
	var types []string
	var file string
	cmd := &cobra.Command{Use: "export TEXT", Short: "Export everything that is kept about somebody, as JSON", Args: cobra.ExactArgs(1),
		Example: `  palabre privacy export "Camille Exemple" --out camille.json`}
	r := p.remote(cmd)
	cmd.Flags().StringArrayVar(&types, "type", nil, "only from this type (again for more)")
	cmd.Flags().StringVar(&file, "out", "", "file to write (default standard output)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return p.toFile(file, func(out io.Writer) error {
			return p.onPrivacy(cmd, r, func(ctx context.Context, s app.PrivacyStore) error {
				doc, err := s.Export(ctx, subject(args[0], types))
				if err == nil {
					_, err = fmt.Fprintf(out, "%s\n", doc)
				}
				return err
			})
		})
	}
	return cmd
}

// eraseFlags are the flags of privacy erase.
type eraseFlags struct {
	*remote
	reason              string
	fields              []string
	purge, past, dryRun bool
}

func (p *program) privacyErase() *cobra.Command {
	f := &eraseFlags{}
	cmd := &cobra.Command{Use: "erase TYPE/ID…", Short: "Take personal data out of entries, and out of their past", Args: cobra.MinimumNArgs(1),
		Long: `Take the personal fields out of entries: out of drafts, published documents and the trash, out of all earlier versions, out
of the catalog and its search index. What a type asks for gets a value that names nobody. With --purge the entries go as a
whole, with --past what stands now stays. This cannot be undone. Backups made before still hold what is erased: let them run out.`,
		Example: `  palabre privacy erase person/01j9zq4x8n2v5w7y3k6m1b0c4d --reason "On request" --dry-run
  palabre privacy erase event/01j9zq4x8n2v5w7y3k6m1b0c4d --reason "On request" --field contact.email`}
	f.remote = p.remote(cmd)
	p.writes(cmd)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, naming nobody (required)")
	cmd.Flags().StringArrayVar(&f.fields, "field", nil, "only this field, by its path, or _comment for the remarks (again for more)")
	cmd.Flags().BoolVar(&f.purge, "purge", false, "take the whole entries away")
	cmd.Flags().BoolVar(&f.past, "past", false, "only out of earlier versions: what stands now stays")
	cmd.Flags().BoolVar(&f.dryRun, dryRun, false, "tell what would be done, do nothing")
	_ = cmd.MarkFlagRequired("reason")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e, err := f.erasure(args)
		if err != nil {
			return usageError{err}
		}
		return p.onPrivacy(cmd, f.remote, func(ctx context.Context, s app.PrivacyStore) error {
			report, err := s.Erase(ctx, e)
			if err != nil {
				return err
			}
			return p.printErasure(report)
		})
	}
	return cmd
}

func (f *eraseFlags) erasure(args []string) (core.Erasure, error) {
	e := core.Erasure{Reason: f.reason, DryRun: f.dryRun}
	if f.purge && (f.fields != nil || f.past) {
		return e, errors.New("--purge takes whole entries: leave --field and --past out")
	}
	for _, arg := range args {
		name, id, ok := strings.Cut(arg, "/")
		if !ok || !core.ValidID(id) {
			return e, fmt.Errorf("%s is no entry: write its type and identifier, as privacy find shows them: person/01j9zq4x8n2v5w7y3k6m1b0c4d", arg)
		}
		e.Entries = append(e.Entries, core.ErasureEntry{Type: core.TypeName(name), ID: core.EntryID(id), Fields: f.fields, Purge: f.purge, Past: f.past})
	}
	return e, nil
}

func (p *program) printErasure(r *core.ErasureReport) error {
	out := printer{w: p.out}
	replaced := "must have a value: it has one now that names nobody"
	if r.DryRun {
		replaced = "must have a value: it would get one that names nobody"
		out.linef("Would be erased, with their past: %d", len(r.Entries))
	} else {
		out.linef("Erased: %d; commits of the past rewritten: %d", len(r.Entries), r.Commits)
	}
	for _, e := range r.Entries {
		what := strings.Join(e.Fields, ", ")
		if e.Purge {
			what = "as a whole"
		}
		out.linef("  %s/%s  %s", e.Type, e.ID, what)
	}
	for _, f := range r.Replaced {
		out.linef("  %s/%s  %s %s", f.Type, f.ID, f.Field, replaced)
	}
	for _, f := range r.Refused {
		out.linef("  %s was left: %s", f.ID, f.Errors[0].Message)
	}
	if out.err == nil && len(r.Refused) > 0 {
		return errSilent
	}
	return out.err
}

func (p *program) privacySweep() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{Use: "sweep", Short: "Erase personal data that has been kept for longer than its type declares", Args: cobra.NoArgs}
	r := p.remote(cmd)
	p.writes(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "tell what is due, do nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.onPrivacy(cmd, r, func(ctx context.Context, s app.PrivacyStore) error {
			report, err := s.Retention(ctx, dryRun)
			if err != nil {
				return err
			}
			return p.printRetention(report)
		})
	}
	return cmd
}

func (p *program) printRetention(r *core.RetentionReport) error {
	out := printer{w: p.out}
	out.linef("Due: %d", len(r.Due))
	for _, d := range r.Due {
		out.linef("  %s/%s  %s  since %s", d.Type, d.ID, strings.Join(d.Fields, ", "), d.Since.Format("2006-01-02"))
	}
	if out.err != nil || r.Erasure == nil {
		return out.err
	}
	return p.printErasure(r.Erasure)
}
