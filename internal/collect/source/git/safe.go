// SPDX-License-Identifier: Apache-2.0

package git

import (
	"os"
	"time"

	"assay/internal/collect/source/command"
)

// A repository's own configuration can name programs to run. Whoever can write to a repository
// must not thereby run programs as Assay, so every way that the few commands we use could take is
// shut, by flags and variables that win over any configuration file:
//
//   - no system or personal configuration, no attributes of the system;
//   - no hooks, no file-system monitor, no pager, no signature check (it would start gpg);
//   - no protocol is allowed, so that a clone with missing objects cannot fetch them: fetching
//     would run whatever its remote's address names (git 2.44 and newer also obey NO_LAZY_FETCH);
//   - no replacement objects and no grafts, which would show another history than the real one;
//   - no commit-graph file, which is a cache that could say something else than the commits do;
//   - no lock files and no prompts.
//
// The repository is named with --git-dir, so git does not go looking for another one above it.
var safeFlags = []string{
	"--no-pager", "--no-replace-objects", "--no-optional-locks", "--literal-pathspecs",
	"-c", "core.hooksPath=" + os.DevNull,
	"-c", "core.fsmonitor=false",
	"-c", "core.pager=cat",
	"-c", "core.commitGraph=false",
	"-c", "advice.graftFileDeprecated=false",
	"-c", "core.alternateRefsCommand=",
	"-c", "core.sshCommand=false",
	"-c", "core.gitProxy=",
	"-c", "core.askPass=",
	"-c", "credential.helper=",
	"-c", "diff.external=",
	"-c", "log.showSignature=false",
	"-c", "gpg.program=false",
	"-c", "protocol.allow=never",
	"-c", "i18n.logOutputEncoding=UTF-8",
}

var safeEnv = []string{
	"GIT_CONFIG_NOSYSTEM=1",
	"GIT_CONFIG_GLOBAL=" + os.DevNull,
	"GIT_ATTR_NOSYSTEM=1",
	"GIT_OPTIONAL_LOCKS=0",
	"GIT_TERMINAL_PROMPT=0",
	"GIT_ASKPASS=false",
	"GIT_SSH_COMMAND=false",
	"GIT_ALLOW_PROTOCOL=none",
	"GIT_NO_LAZY_FETCH=1",
	"GIT_NO_REPLACE_OBJECTS=1",
	"GIT_GRAFT_FILE=" + os.DevNull,
	"GIT_PAGER=cat",
}

// logArgs asks for every commit that a branch or tag reaches, raw, children before parents.
var logArgs = []string{"rev-list", "--header", "--topo-order", "--branches", "--tags", "--remotes"}

func gitCommand(dir string, timeout time.Duration, args ...string) command.Command {
	all := append([]string{"--git-dir=" + dir}, safeFlags...)
	return command.Command{Name: "git", Args: append(all, args...), Env: safeEnv, Timeout: timeout}
}
