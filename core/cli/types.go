package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
)

func (p *program) types() *cobra.Command {
	return group("types", "Look at and change content types", p.typesList(), p.typesDiff(), p.typesCheck(), p.typesApply(), p.typesTS())
}

func (p *program) typesList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the content types", Args: cobra.NoArgs}
	r := p.remote(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.onTypes(cmd, r, func(ctx context.Context, t app.TypeStore) error {
			rows, err := t.ListTypes(ctx)
			if err != nil {
				return err
			}
			out := printer{w: p.out}
			out.linef("%-20s  %8s  %-7s  %s", "TYPE", "ENTRIES", "PUBLIC", "LABEL")
			for _, row := range rows {
				out.linef("%-20s  %8s  %-7t  %s", row.Name, thousands(row.Entries), row.Public, row.Label)
			}
			return out.err
		})
	}
	return cmd
}

// changeFlags are the flags of the commands that look at a proposed schema.
type changeFlags struct {
	*remote
	repairs []string
	file    string
	asJSON  bool
}

func (p *program) changeCommand(use, short, long, example string, f *changeFlags, run func(cmd *cobra.Command, file string) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd, args[0]) }}
	f.remote = p.remote(cmd)
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the review as JSON")
	return cmd
}

func (f *changeFlags) addRepairs(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.repairs, "repair", nil, "what to do about what breaks: drop:PATH, rename:PATH:TO, convert:PATH:KIND or fill:PATH:VALUE (again for more)")
	cmd.Flags().StringVar(&f.file, "repairs", "", "file with a list of repairs, JSON or YAML, as a review proposes them")
}

func (p *program) typesDiff() *cobra.Command {
	f := &changeFlags{}
	return p.changeCommand("diff FILE", "Show what a schema changes, by the schema alone",
		"Show how the content type in FILE, a JSON Schema, differs from the one that is there.", "  palabre types diff schemas/fiche.json", f,
		func(cmd *cobra.Command, file string) error {
			return p.review(cmd, f, file, app.TypeStore.CheckType, func(r *core.Review) { r.Failures, r.Repairs, r.Breaking = nil, nil, 0 })
		})
}

func (p *program) typesCheck() *cobra.Command {
	f := &changeFlags{}
	cmd := p.changeCommand("check FILE", "Run a schema over every stored entry and report, changing nothing",
		`Run the content type in FILE, a JSON Schema, over every stored entry: drafts, published ones and the trash. The report
lists what changes, how many entries would break and the first of them, and a repair for each. The exit code is 1 when
something would break.`, `  palabre types check schemas/fiche.json
  palabre types check schemas/fiche.json --repair rename:population:inhabitants`, f,
		func(cmd *cobra.Command, file string) error {
			return p.review(cmd, f, file, app.TypeStore.CheckType, nil)
		})
	f.addRepairs(cmd)
	return cmd
}

func (p *program) typesApply() *cobra.Command {
	f := &changeFlags{}
	cmd := p.changeCommand("apply FILE", "Change a content type and migrate its entries",
		"Check the content type in FILE, and when nothing breaks that no repair covers, change the type and every entry of it.",
		"  palabre types apply schemas/fiche.json --repair drop:remarks", f,
		func(cmd *cobra.Command, file string) error {
			return p.review(cmd, f, file, app.TypeStore.ApplyType, nil)
		})
	f.addRepairs(cmd)
	p.writes(cmd)
	return cmd
}

// step is what a command does with a schema.
type step func(s app.TypeStore, ctx context.Context, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error)

func (p *program) review(cmd *cobra.Command, f *changeFlags, file string, do step, trim func(*core.Review)) error {
	schema, name, err := readSchema(file)
	if err != nil {
		return usageError{err}
	}
	repairs, err := f.allRepairs()
	if err != nil {
		return usageError{err}
	}
	return p.onTypes(cmd, f.remote, func(ctx context.Context, s app.TypeStore) error {
		review, err := do(s, ctx, name, schema, repairs)
		if left := app.ReviewIn(err); left != nil {
			review = left
		}
		if review == nil {
			return err
		}
		if trim != nil {
			trim(review)
		}
		if printErr := p.printReview(f, review); printErr != nil {
			return printErr
		}
		if err == nil && review.Breaking > 0 {
			return errSilent
		}
		return err
	})
}

func readSchema(file string) ([]byte, core.TypeName, error) {
	schema, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	var head struct {
		Type struct {
			Name core.TypeName `json:"name"`
		} `json:"x-type"`
	}
	if err := json.Unmarshal(schema, &head); err != nil {
		return nil, "", fmt.Errorf("%s is not JSON: %w", file, err)
	}
	if head.Type.Name == "" {
		return nil, "", fmt.Errorf(`%s names no type: add "x-type": {"name": …}`, file)
	}
	return schema, head.Type.Name, nil
}

func (f *changeFlags) allRepairs() ([]core.Repair, error) {
	var repairs []core.Repair
	if f.file != "" {
		data, err := os.ReadFile(f.file)
		if err != nil {
			return nil, err
		}
		if repairs, err = parseRepairs(data); err != nil {
			return nil, fmt.Errorf("%s is not a list of repairs: %w", f.file, err)
		}
	}
	for _, text := range f.repairs {
		r, err := parseRepair(text)
		if err != nil {
			return nil, err
		}
		repairs = append(repairs, r)
	}
	return repairs, nil
}

// parseRepairs reads YAML, which JSON is a part of.
func parseRepairs(data []byte) (repairs []core.Repair, err error) {
	var raw any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return nil, err
	}
	return repairs, json.Unmarshal(text, &repairs)
}

func parseRepair(text string) (core.Repair, error) {
	parts := strings.SplitN(text, ":", 3)
	wrong := fmt.Errorf("--repair %s: use drop:PATH, rename:PATH:TO, convert:PATH:KIND or fill:PATH:VALUE", text)
	if len(parts) < 2 || (parts[0] != "drop") != (len(parts) == 3) {
		return core.Repair{}, wrong
	}
	r := core.Repair{Kind: parts[0], Path: parts[1]}
	switch r.Kind {
	case "drop":
	case "rename", "convert":
		r.To = parts[2]
	case "fill":
		if err := json.Unmarshal([]byte(parts[2]), &r.Value); err != nil {
			r.Value = parts[2]
		}
	default:
		return core.Repair{}, wrong
	}
	return r, nil
}

func (p *program) printReview(f *changeFlags, r *core.Review) error {
	if f.asJSON {
		e := json.NewEncoder(p.out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return writeReview(p.out, r)
}

func writeReview(w io.Writer, r *core.Review) error {
	out := printer{w: w}
	switch {
	case r.New:
		out.linef("%s is a new type.", r.Type)
	case r.Same:
		out.linef("%s: nothing differs.", r.Type)
	default:
		out.linef("%s: %d changes, %s entries looked at.", r.Type, len(r.Changes), thousands(r.Entries))
	}
	for _, c := range r.Changes {
		out.linef("  %-10s %s%s", c.Kind, c.Path, changeDetail(c))
	}
	if r.Breaking > 0 {
		out.linef("%s entries would break:", thousands(r.Breaking))
	}
	for _, failure := range r.Failures {
		for _, e := range failure.Errors {
			out.linef("  %s (%s) %s: %s", failure.ID, failure.In, e.Pointer, e.Message)
		}
	}
	for _, repair := range r.Repairs {
		out.linef("  --repair %s   helps %s", repairText(repair), thousands(repair.Count))
	}
	return out.err
}

func changeDetail(c core.FieldChange) string {
	s := ""
	if c.From != "" || c.To != "" {
		s += fmt.Sprintf(": %s → %s", c.From, c.To)
	}
	if c.Detail != "" {
		s += " (" + c.Detail + ")"
	}
	return s
}

func repairText(r core.Repair) string {
	switch {
	case r.To != "":
		return r.Kind + ":" + r.Path + ":" + r.To
	case r.Kind == "fill":
		value, err := json.Marshal(r.Value)
		if err != nil {
			value = []byte("null")
		}
		return r.Kind + ":" + r.Path + ":" + string(value)
	}
	return r.Kind + ":" + r.Path
}

func (p *program) typesTS() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:     "ts",
		Short:   "Write the content types as TypeScript",
		Example: "  palabre types ts --out src/palabre.ts",
		Args:    cobra.NoArgs,
	}
	r := p.remote(cmd)
	cmd.Flags().StringVar(&out, "out", "", "file to write (default standard output)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return p.onTypes(cmd, r, func(ctx context.Context, s app.TypeStore) error {
			text, err := s.TypeScript(ctx)
			if err != nil {
				return err
			}
			return p.toFile(out, func(w io.Writer) error { _, err := w.Write(text); return err })
		})
	}
	return cmd
}

func (p *program) onTypes(cmd *cobra.Command, r *remote, f func(context.Context, app.TypeStore) error) error {
	client, err := p.client(r)
	if err != nil {
		return err
	}
	if client != nil {
		return f(cmd.Context(), client)
	}
	err = p.withStore(cmd, func(ctx context.Context, a *app.App) error { return f(ctx, a) })
	if errors.Is(err, errSilent) {
		return errSilent
	}
	return err
}
