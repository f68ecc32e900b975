/**
  One check of an experiment: an assumption about data or about what a step wrote.

  Two small derivations. The test never fails because the assumption does not hold: its output has check.json, what was
  found. The verdict reads that and fails where a blocking check does not hold, with why, fix and what
  was found; else its output is one constant file. Steps that read what the check guards have the verdict as an input, so
  plain Nix stops them as well. What is told of a check (why, fix, severity) is known to the verdict only: to change it tests
  nothing anew.

  # Inputs
  `step`: as step.nix gives it for the experiment, for checks that are commands. `tables`: a Python environment with
  polars, for rules of tables. `experiment`: the plan's name. `metrics`: by name, the metrics files of each step.
  `paths`: by name, all outputs of a step: [{ label?, path }].

  `found`: the test's output.

  # Type
  check :: AttrSet -> {
    test :: (name :: String) -> (check :: AttrSet) -> Derivation;
    verdict :: (name :: String) -> (check :: AttrSet) -> (found :: Path) -> Derivation;
  }
*/
{
  toolchain,
  step,
  tables,
  experiment,
  data,
  metrics,
  paths,
}:
let
  inherit (builtins) filter head toJSON;
  python =
    name: attributes:
    derivation (
      {
        name = "${experiment}-${name}";
        inherit (toolchain) system;
        PATH = toolchain.programs; # Nix passes a builder its bare name, and Python finds itself by PATH
        LC_ALL = "C.UTF-8";
        TZ = "UTC";
      }
      // attributes
    );

  table =
    name: check:
    let
      below = path: if check.table.path == "" then path else "${path}/${check.table.path}";
      places =
        if check.table ? data then
          [ { path = below "${data.${check.table.data}}"; } ]
        else
          map (entry: entry // { path = below entry.path; }) paths.${check.table.step};
    in
    python "checks.${name}" {
      builder = "${tables}/bin/python";
      args = [
        "-I"
        ./table.py
      ];
      PATH = "${tables}/bin:${toolchain.programs}";
      POLARS_MAX_THREADS = "1"; # like any step that asks for no more
      inherit (check) rules;
      tables = toJSON places;
      sensitive = check.sensitive or false;
      passAsFile = [
        "rules"
        "tables"
      ];
    };

  metric =
    name: check:
    let
      inherit (check.metric) step key;
      chosen = filter (entry: !(check.metric ? label) || entry.label == check.metric.label) paths.${step};
    in
    python "checks.${name}" {
      builder = toolchain.python;
      args = [
        "-I"
        ./metric.py
      ];
      inherit (check) rules;
      inherit step key;
      made = toJSON chosen;
      files = toJSON metrics.${step};
      metrics = ../metrics.py;
      passAsFile = [
        "rules"
        "made"
      ];
    };

  # A step whose command is another: one that runs the check's own, and says how it ended.
  command =
    name: check:
    let
      made =
        (step "checks.${name}" (
          check
          // {
            outputs = [ ];
            metrics = [ ];
            plots = [ ];
          }
        )).drvAttrs;
    in
    derivation (
      made
      // {
        command = made.run;
        run = "${toolchain.python} -I ${./command.py}";
        passAsFile = made.passAsFile ++ [ "command" ];
      }
    );

  kinds = {
    inherit table metric command;
  };
in
{
  test = name: check: kinds.${head (filter (kind: check ? ${kind}) [ "table" "metric" ] ++ [ "command" ])} name check;
  verdict =
    name: check: found:
    python "checks.${name}-verdict" {
      builder = toolchain.python;
      args = [
        "-I"
        ./verdict.py
      ];
      check = name;
      inherit (check) why fix severity;
      found = "${found}/check.json";
    };
}
