"""A foreign peer: reads an Excel workbook with openpyxl and prints the rows of its first sheet as
JSON. The workbook's path is the only argument."""

import json
import sys

import openpyxl


def main() -> None:
    sheet = openpyxl.load_workbook(sys.argv[1]).worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    print(json.dumps(rows, ensure_ascii=False))


if __name__ == "__main__":
    main()
