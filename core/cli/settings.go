package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/palabre-cms/palabre/core/config"
)

// settingFlags are the settings as flags: those that every command on a store shares, and the server's.
type settingFlags struct {
	file  string
	given []*settingFlag
}

// settingFlag is one setting on the command line. Its text is read with all the other sources, so that one place words
// what is wrong with it.
type settingFlag struct {
	config.Setting
	text string
	set  bool
}

var _ pflag.Value = (*settingFlag)(nil)

// Set keeps the text.
func (f *settingFlag) Set(text string) error {
	f.text, f.set = text, true
	return nil
}

// String gives what help shows as the default.
func (f *settingFlag) String() string {
	if f.set {
		return f.text
	}
	return f.Setting.String()
}

// shared are the settings that say where the content is; the others matter to a server only.
var shared = map[string]bool{"data": true, "schemas": true, "mongodb.uri": true, "mongodb.database": true, "log.level": true, "log.format": true}

func (s *settingFlags) bindShared(to *pflag.FlagSet) {
	to.StringVar(&s.file, "config", "", "configuration file (default palabre.yaml, when it is there)")
	s.bind(to, func(name string) bool { return shared[name] })
}

func (s *settingFlags) bindServer(to *pflag.FlagSet) {
	s.bind(to, func(name string) bool { return !shared[name] })
}

// bindListen is for a command that serves without being the server.
func (s *settingFlags) bindListen(to *pflag.FlagSet) {
	s.bind(to, func(name string) bool { return name == "listen" })
}

func (s *settingFlags) bind(to *pflag.FlagSet, which func(name string) bool) {
	for _, setting := range config.Default().Settings() {
		if !which(setting.Name) {
			continue
		}
		f := &settingFlag{Setting: setting}
		s.given = append(s.given, f)
		flag := to.VarPF(f, setting.Flag(), "", setting.Help)
		if setting.Type() == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
}

// normalize lets --mongodb.uri and --public_url be written as the settings are.
func normalize(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(config.FlagName(name))
}

// load reads the configuration from everywhere.
func (p *program) load() (*config.Config, error) {
	flags := map[string]string{}
	for _, f := range p.flags.given {
		if f.set {
			flags[f.Flag()] = f.text
		}
	}
	file := p.flags.file
	if file == "" {
		file = p.env("PALABRE_CONFIG")
	}
	c, err := config.Load(config.Sources{File: file, Environ: p.environ, Flags: flags})
	if err != nil {
		return nil, usageError{err}
	}
	for _, note := range config.Unknown(p.environ) {
		fmt.Fprintln(p.err, "palabre:", note)
	}
	return c, nil
}

func (p *program) env(name string) string {
	for _, pair := range p.environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

func (p *program) config() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the settings and where each comes from, without secrets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			out := printer{w: p.out}
			for _, line := range c.Lines() {
				out.linef("%s", line)
			}
			return out.err
		},
	}
}
