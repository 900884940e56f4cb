package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// trialFlags are the files that a trial is made of.
type trialFlags struct{ entry, old, settings, typ string }

func (p *program) pluginCall() *cobra.Command {
	var f trialFlags
	cmd := &cobra.Command{
		Use:   "call ID EVENT",
		Short: "Try what a plugin does with an entry, and print the patch or the refusal",
		Long: `Call the handlers of one plugin of this binary at one event, without a server and without storing anything.

It prints what they did to the document as a JSON Patch (RFC 6902), and fails with their refusal or what went wrong in them.
A handler that needs the node (its data, its reader) cannot be tried so: test it with plugintest.`,
		Example: "  palabre plugin call dev.acme.slugger entry.create --type article --entry e.json",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := p.trial(args[1], f)
			if err != nil {
				return usageError{err}
			}
			return p.try(cmd.Context(), args[0], t)
		},
	}
	cmd.Flags().StringVar(&f.entry, "entry", "", "file with the fields of the entry after the change, in JSON; - for standard input")
	cmd.Flags().StringVar(&f.old, "old", "", "file with its fields before the change (default as after it)")
	cmd.Flags().StringVar(&f.settings, "settings", "", "file with the plugin's settings")
	cmd.Flags().StringVar(&f.typ, "type", "", "its content type (default the member _type of the entry)")
	_ = cmd.MarkFlagRequired("entry")
	return cmd
}

func (p *program) trial(event string, f trialFlags) (t app.Trial, err error) {
	t = app.Trial{Event: event, Type: core.TypeName(f.typ)}
	for file, to := range map[*string]*map[string]any{&f.entry: &t.Entry, &f.old: &t.Old, &f.settings: &t.Settings} {
		if *to, err = p.object(*file); err != nil {
			return t, err
		}
	}
	if name, ok := t.Entry["_type"].(string); ok && t.Type == "" {
		t.Type = core.TypeName(name)
	}
	if t.Type == "" {
		return t, errors.New("which content type is the entry of? Say it with --type")
	}
	return t, nil
}

// object reads a JSON object from a file; nil without one.
func (p *program) object(file string) (map[string]any, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if file == "-" {
		text, err = io.ReadAll(p.in)
	}
	if err != nil {
		return nil, err
	}
	doc, err := jsondoc.DecodeObject(text, jsondoc.Default)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", file, sentence(err))
	}
	return doc, nil
}

func (p *program) try(ctx context.Context, id string, t app.Trial) error {
	patch, err := app.TryPlugin(ctx, id, t, p.plugins...)
	if err != nil {
		return err
	}
	if patch == nil {
		patch = []jsondoc.PatchOp{}
	}
	text, err := json.MarshalIndent(patch, "", "  ")
	if err != nil {
		return err
	}
	out := printer{w: p.out}
	out.linef("%s", text)
	return out.err
}
