# The builder of every step: lay out the files, run the command, check what it wrote.
#
# Files (from passAsFile): run, a bash script; files, lines of "store-path project-path"; links, two lines for each: its path
# and its target; expected, the names that $out must have afterwards; params and inputs, the JSON documents that the step may
# read.
# The last line of the log is "@nivis " and a JSON object: seconds (wall), user and system (seconds of processor time), memory
# (KiB, the peak resident set of the largest process), all by GNU time.
# shellcheck disable=SC2154 # Nix sets them
set -euo pipefail

project=$NIX_BUILD_TOP/project
export HOME=$NIX_BUILD_TOP/home TMPDIR=$NIX_BUILD_TOP/tmp
export TMP=$TMPDIR TEMP=$TMPDIR TEMPDIR=$TMPDIR
export NIVIS_PARAMS=$NIX_BUILD_TOP/params.json NIVIS_INPUTS=$NIX_BUILD_TOP/inputs.json

# Give an executable script the toolchain's interpreter: a sandbox has no /usr/bin/env, and no /bin/sh or another one.
interpret() {
  local first program arguments found
  IFS= read -r -n 255 first <"$1" || [ -n "$first" ] || return 0
  case $first in '#!/nix/store/'*) return 0 ;; '#!'*) ;; *) return 0 ;; esac
  read -r program arguments <<<"${first#'#!'}"
  found=$(type -P -- "${program##*/}") || return 0
  {
    printf '#!%s\n' "$found${arguments:+ $arguments}"
    tail -n +2 -- "$1"
  } >"$TMPDIR/interpreted"
  cat -- "$TMPDIR/interpreted" >"$1"
  rm -- "$TMPDIR/interpreted"
}

# Copy a file, writable as in the project: a notebook that is run in place is written, too.
copy() {
  local LC_ALL=C text
  # A small text without another process, which costs more than all else here; read fails at the end of such a file.
  if [ ! -L "$1" ] && [ ! -x "$1" ] && ! IFS= read -r -d '' -n 65536 text <"$1"; then
    printf '%s' "$text" >"$2"
  else
    cp -P --no-preserve=mode,ownership -- "$1" "$2"
  fi
}

declare -A folders=(["$project/$folder"]=1 ["$HOME"]=1 ["$TMPDIR"]=1)
sources=() targets=() links=()
take() { # a path in the project: its folder is to be made
  case $1 in */*) folders["$project/${1%/*}"]=1 ;; *) folders["$project"]=1 ;; esac
}
while IFS= read -r line || [ -n "$line" ]; do
  sources+=("${line%% *}") targets+=("$project/${line#* }")
  take "${line#* }"
done <"$filesPath"
while IFS= read -r path && { IFS= read -r target || [ -n "$target" ]; }; do
  links+=("$target" "$project/$path")
  take "$path"
done <"$linksPath"
mkdir -p -- "$out" "${!folders[@]}"
for index in "${!sources[@]}"; do
  copy "${sources[index]}" "${targets[index]}"
  if [ -x "${sources[index]}" ] && [ ! -L "${sources[index]}" ]; then
    chmod +x -- "${targets[index]}"
    interpret "${targets[index]}"
  fi
done

for ((index = 0; index < ${#links[@]}; index += 2)); do
  ln -s -- "${links[index]}" "${links[index + 1]}"
done

printf '%s\n' "$(<"$paramsPath")" >"$NIVIS_PARAMS"
printf '%s\n' "$(<"$inputsPath")" >"$NIVIS_INPUTS"
if [ -n "$sourcePath" ]; then
  PYTHONPATH=$project/${sourcePath//:/:$project/}
  export PYTHONPATH
fi
script=$NIX_BUILD_TOP/run expect=$expectedPath start=$project/$folder
IFS= read -r -d '' text <"$runPath" || : # bash names the script in its messages: not by Nix's name for it
printf '%s\n' "$text" >"$script"
enter=() # what goes before a command
if [ -n "${NIVIS_ROOT-}" ]; then # the step has tools: they are its /usr, /etc, …, and nothing of the host is there
  printf 'root:x:0:0::/root:/bin/bash\nnivis:x:%s:%s::%s:/bin/bash\n' "$UID" "$(id -g)" "$HOME" >"$NIX_BUILD_TOP/passwd"
  printf 'root:x:0:\nnivis:x:%s:\n' "$(id -g)" >"$NIX_BUILD_TOP/group"
  enter=(bwrap --dev-bind /dev /dev --bind /proc /proc --dir /run)
  for entry in "$NIVIS_ROOT"/*; do
    if [ -L "$entry" ]; then
      enter+=(--symlink "$(readlink -- "$entry")" "/${entry##*/}")
    else
      enter+=(--ro-bind "$entry" "/${entry##*/}")
    fi
  done
  enter+=(--ro-bind "$NIX_BUILD_TOP/passwd" /etc/passwd --ro-bind "$NIX_BUILD_TOP/group" /etc/group)
  enter+=(--bind "$TMPDIR" /tmp --bind "$TMPDIR" /var/tmp)
  for entry in "${NIX_STORE:-/nix/store}" "$NIX_BUILD_TOP"; do enter+=(--bind "$entry" "$entry"); done
  # The root's C library has its own tables of characters and locales.
  enter+=(--unsetenv GCONV_PATH --unsetenv LOCPATH --setenv SHELL /bin/bash)
  enter+=(--setenv PATH "$NIVIS_ROOT_PATH" --chdir "$start" --)
fi
refused=${NIVIS_ROOT_REFUSED-}
may_enter() { # say why not
  local said
  [ ${#enter[@]} -eq 0 ] || said=$("${enter[@]}" true 2>&1) || { printf '%s\n%s\n' "$said" "$refused" >&2 && return 1; }
}
unset NIVIS_ROOT NIVIS_ROOT_PATH NIVIS_ROOT_REFUSED
unset runPath filesPath linksPath expectedPath paramsPath inputsPath sourcePath folder guards builder name outputs system NIX_BUILD_CORES

cd -- "$start"
if [ -n "${NIVIS_ENTER-}" ]; then # `nivis shell`: everything is laid out, somebody looks at it
  NIVIS_RUN=$script
  export NIVIS_RUN
  if [ ${#enter[@]} -gt 0 ]; then
    may_enter || exit 1
    exec "${enter[@]}" bash "$NIVIS_ENTER"
  fi
  # shellcheck disable=SC1090 # a file of `nivis shell`
  . "$NIVIS_ENTER"
fi
export TERM=dumb # Nix says xterm-256color, but nobody looks at the log while it is written
status=0
command time -q -o "$NIX_BUILD_TOP/usage" -f '%e %U %S %M' "${enter[@]}" bash -euo pipefail "$script" || status=$?
read -r -a usage <"$NIX_BUILD_TOP/usage" || usage=(0 0 0 0)
printf '@nivis {"seconds":%s,"user":%s,"system":%s,"memory":%s}\n' "${usage[@]}"
if [ "$status" != 0 ]; then
  may_enter || exit 1
  echo "the command ended with status $status" >&2
  exit "$status"
fi

missing=()
while IFS= read -r name || [ -n "$name" ]; do
  [ -z "$name" ] || [ -e "$out/$name" ] || missing+=("$name")
done <"$expect"
if [ ${#missing[@]} -gt 0 ]; then
  {
    names=$(printf ", '%s'" "${missing[@]}")
    echo "the command did not write: ${names#, }"
    cd -- "$out"
    mapfile -t written < <(find . -mindepth 1 -printf '%P\n' | sort)
    if [ ${#written[@]} -eq 0 ]; then
      echo 'it wrote nothing'
    else
      echo 'it wrote instead:'
      printf '  %s\n' "${written[@]:0:20}"
      [ ${#written[@]} -le 20 ] || echo "  … ${#written[@]} in all"
    fi
  } >&2
  exit 1
fi
: # Nix kills a builder that has closed its output before it has exited; a builtin comes last.
