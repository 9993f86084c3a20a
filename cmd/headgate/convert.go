package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/headgate/headgate/cmd/headgate/convert"
)

// maxConverted is the largest file of another gateway that is read, in bytes.
const maxConverted = 64 << 20

func convertCommand() command {
	return command{
		name:    "convert",
		usage:   "auth-gateway FILE | proposal FILE | cortex-gateway -- FLAGS… | htpasswd FILE [--tenant ID]",
		summary: "print the configuration of another gateway as one of headgate; what has no counterpart is a comment in it",
		define: func(set *flag.FlagSet) action {
			tenant := set.String("tenant", "", "with htpasswd: the `ID` of the tenant that all users are; without, each user name is a tenant")
			return func(c console, args []string) error {
				if len(args) == 0 {
					return usageError("say what from: auth-gateway, proposal, cortex-gateway or htpasswd")
				}
				if *tenant != "" && args[0] != "htpasswd" {
					return usageError("--tenant is for htpasswd alone")
				}
				text, err := convertFrom(args[0], args[1:], *tenant)
				if err != nil {
					return err
				}
				c.printf("%s", text)
				return nil
			}
		},
	}
}

// convertFrom converts one of the formats. Errors name the file in each of their lines.
func convertFrom(format string, args []string, tenant string) ([]byte, error) {
	if format == "cortex-gateway" {
		text, err := convert.CortexGateway(args, os.Environ())
		return text, inEachLine("cortex-gateway", err)
	}
	if format != "auth-gateway" && format != "proposal" && format != "htpasswd" {
		return nil, usageError(fmt.Sprintf("%q is not known; want auth-gateway, proposal, cortex-gateway or htpasswd", format))
	}
	if len(args) != 1 {
		return nil, usageError("want one file")
	}
	name := args[0]
	text, err := readConverted(name)
	if err != nil {
		return nil, err
	}
	switch format {
	case "auth-gateway":
		text, err = convert.AuthGateway(text)
	case "proposal":
		text, err = convert.Proposal(text)
	default:
		text, err = convert.Htpasswd(convert.HtpasswdFile{Name: name, Text: text, Tenant: tenant})
	}
	return text, inEachLine(name, err)
}

func readConverted(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConverted+1))
	if err == nil && len(text) > maxConverted {
		err = fmt.Errorf("%s has more than %d MiB; want the configuration of a gateway", name, maxConverted>>20)
	}
	return text, err
}

// inEachLine puts a name before each line of an error.
func inEachLine(name string, err error) error {
	if err == nil {
		return nil
	}
	var lines []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, errors.New(name+": "+line))
	}
	return errors.Join(lines...)
}
