package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// DefaultFile is the configuration file that is read when it is there and no other was named.
const DefaultFile = "palabre.yaml"

// Sources are where Load looks.
type Sources struct {
	// File is the configuration file. "" reads DefaultFile when it is there; a named one must be there.
	File string
	// Environ is the environment, as os.Environ gives it.
	Environ []string
	// Flags are the settings given on the command line, by their flag names.
	Flags map[string]string
}

// Load reads the settings from all sources and checks them as a whole. Its error is one line that names the
// setting and where it came from.
func Load(s Sources) (*Config, error) {
	c := Default()
	for _, read := range []func(*Config) error{s.file, s.environ, s.flags, (*Config).Validate} {
		if err := read(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// set gives a setting its value and remembers the origin.
func (c *Config) set(s Setting, text, origin string) error {
	if err := s.Set(text); err != nil {
		return c.wrong(s, text, err.Error(), origin)
	}
	c.origins[s.Name] = origin
	return nil
}

// wrong is the one line that stops a start.
func (c *Config) wrong(s Setting, text, why, origin string) error {
	if s.Type() == "secret" {
		text = Secret(text).String()
	}
	return fmt.Errorf("%s: %q %s (from %s)", s.Name, text, why, origin)
}

func (s Sources) file(c *Config) error {
	name := s.File
	if name == "" {
		name = DefaultFile
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && s.File == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("config: %s cannot be read: %w", name, err)
	}
	return readFile(c, name, data)
}

func (s Sources) environ(c *Config) error {
	env := map[string]string{}
	for _, pair := range s.Environ {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	for _, setting := range c.Settings() {
		// An empty variable counts as absent: that is how container files pass on what nobody set.
		if text := env[setting.Env()]; text != "" {
			if err := c.set(setting, text, setting.Env()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s Sources) flags(c *Config) error {
	for _, setting := range c.Settings() {
		if text, given := s.Flags[setting.Flag()]; given {
			if err := c.set(setting, text, "--"+setting.Flag()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Unknown lists the PALABRE_ variables of an environment that are no setting, each with the nearest that is:
// a start goes on, but somebody should be told.
func Unknown(environ []string) []string {
	known := map[string]bool{"PALABRE_CONFIG": true, "PALABRE_TOKEN": true, "PALABRE_FAILPOINT": true}
	var names, notes []string
	for _, s := range Default().Settings() {
		known[s.Env()] = true
		names = append(names, s.Env())
	}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "PALABRE_") && !strings.HasPrefix(name, "PALABRE_TEST_") && !known[name] {
			notes = append(notes, name+" is not a setting"+didYouMean(name, names))
		}
	}
	return notes
}
