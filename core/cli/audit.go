package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
)

// auditFlags are the flags of audit.
type auditFlags struct {
	*remote
	core.AuditQuery
	typ, entry, since, until string
	limit                    int
	json                     bool
}

func (p *program) audit() *cobra.Command {
	f := &auditFlags{}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who did what, when and from where",
		Long: `Show who did what, when and from where: every write, and sign-ins, exports and backups. The newest comes first.

With --json each line is a JSON object.`,
		Example: `  palabre audit --type fiche --since 2026-03-01
  palabre audit --event sign_in_failed --limit 0 --json --url http://127.0.0.1:8080 --token pal_…`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runAudit(cmd, f) },
	}
	f.remote = p.remote(cmd)
	cmd.Flags().StringVar(&f.By, "by", "", "whose doing: user:01j…, token:01j…, system")
	cmd.Flags().StringVar(&f.Event, "event", "", "an event or the action of a write: sign_in, export, publish")
	cmd.Flags().StringVar(&f.typ, "type", "", "about this content type")
	cmd.Flags().StringVar(&f.entry, "entry", "", "about this entry")
	cmd.Flags().StringVar(&f.Address, "address", "", "from this address")
	cmd.Flags().StringVar(&f.since, "since", "", "at this time or after: 2026-03-29 or 2026-03-29T02:00:00Z")
	cmd.Flags().StringVar(&f.since, "from", "", "the same as --since")
	_ = cmd.Flags().MarkHidden("from")
	cmd.Flags().StringVar(&f.until, "until", "", "before this time")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "how many lines; 0 for all")
	cmd.Flags().BoolVar(&f.json, "json", false, "JSON Lines instead of a table")
	return cmd
}

func (p *program) runAudit(cmd *cobra.Command, f *auditFlags) error {
	if err := f.read(); err != nil {
		return usageError{err}
	}
	client, err := p.client(f.remote)
	if err != nil {
		return err
	}
	if client != nil {
		return p.showAudit(cmd.Context(), client, f)
	}
	return p.withStore(cmd, func(ctx context.Context, a *app.App) error { return p.showAudit(ctx, a, f) })
}

// read puts the flags into the query.
func (f *auditFlags) read() (err error) {
	f.Type, f.Entry = core.TypeName(f.typ), core.EntryID(f.entry)
	if f.limit < 0 {
		return fmt.Errorf("--limit %d: use 0 for all", f.limit)
	}
	if f.Since, err = flagTime("since", f.since); err != nil {
		return err
	}
	f.Until, err = flagTime("until", f.until)
	return err
}

func flagTime(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range [...]string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s %s: use a time such as 2026-03-29 or 2026-03-29T02:00:00Z", name, text)
}

// showAudit prints the trail, page by page.
func (p *program) showAudit(ctx context.Context, trail app.AuditTrail, f *auditFlags) error {
	const most = 200
	if err := app.CheckEvent(ctx, trail, f.Event); err != nil {
		return wrongIf(err, core.CodeInvalid)
	}
	out := printer{w: p.out}
	if !f.json {
		out.linef("%-20s  %-32s  %-16s  %-12s  %-26s  %-15s  %s", "AT", "BY", "EVENT", "TYPE", "ENTRY", "FROM", "")
	}
	q := f.AuditQuery
	for left := f.limit; out.err == nil; {
		q.Limit = most
		if f.limit > 0 {
			q.Limit = min(left, most)
		}
		page, err := trail.FindAudit(ctx, q)
		if err != nil {
			return err
		}
		for i := range page.Data {
			out.auditLine(&page.Data[i], f.json)
		}
		left -= len(page.Data)
		if q.Before = page.Next; q.Before == "" || f.limit > 0 && left <= 0 {
			break
		}
	}
	return out.err
}

// wrongIf makes a wrong command line of an error with a code.
func wrongIf(err error, code core.Code) error {
	if core.CodeOf(err) == code {
		return usageError{err}
	}
	return err
}

func (p *printer) auditLine(l *core.AuditLine, asJSON bool) {
	if asJSON {
		text, err := json.Marshal(l)
		if err != nil && p.err == nil {
			p.err = err
		}
		p.linef("%s", text)
		return
	}
	from := ""
	if l.Origin != nil {
		from = l.Origin.Address
	}
	row := fmt.Sprintf("%-20s  %-32s  %-16s  %-12s  %-26s  %-15s  %s", l.At.UTC().Format(time.RFC3339), l.By, l.Event, l.Type, l.Entry, from, about(l))
	p.linef("%s", printable(strings.TrimRight(row, " ")))
}

// about is what else a line tells.
func about(l *core.AuditLine) string {
	var parts []string
	if l.Count > 0 {
		parts = append(parts, fmt.Sprintf("×%d", l.Count))
	}
	if l.Comment != "" {
		parts = append(parts, l.Comment)
	}
	names := make([]string, 0, len(l.Detail))
	for name := range l.Detail {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s=%v", name, l.Detail[name]))
	}
	return strings.Join(parts, " ")
}

// printable keeps what strangers wrote from moving the cursor of a terminal, or making two lines of one.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\u00a0' {
			return r
		}
		return '\ufffd'
	}, s)
}
