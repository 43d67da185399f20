using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Build task (compiled by MSBuild itself, not part of the program): copies a 64-bit little-endian ELF library and marks one of its
/// needed symbol versions as weak, so that the loader accepts a system library without that version.
/// </summary>
public sealed class WeakenVersionNeed : Task
{
    private const int SectionTypeVersionNeed = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    /// <summary>The library as packaged.</summary>
    [Required]
    public string Source { get; set; }

    /// <summary>The patched copy to write.</summary>
    [Required]
    public string Destination { get; set; }

    /// <summary>The version to weaken, such as <c>GLIBCXX_3.4.32</c>.</summary>
    [Required]
    public string Version { get; set; }

    /// <summary>Writes the patched copy; fails with a sentence when the version is not among the needed ones.</summary>
    public override bool Execute()
    {
        byte[] elf = File.ReadAllBytes(Source);
        int sections = (int)BitConverter.ToInt64(elf, 0x28);
        int sectionSize = BitConverter.ToUInt16(elf, 0x3a);
        int sectionCount = BitConverter.ToUInt16(elf, 0x3c);
        int patched = 0;
        for (int i = 0; i < sectionCount; i++)
        {
            int section = sections + (i * sectionSize);
            if (BitConverter.ToInt32(elf, section + 4) == SectionTypeVersionNeed)
            {
                int link = BitConverter.ToInt32(elf, section + 0x28);
                int strings = (int)BitConverter.ToInt64(elf, sections + (link * sectionSize) + 0x18);
                patched += Weaken(elf, (int)BitConverter.ToInt64(elf, section + 0x18), strings);
            }
        }
        if (patched == 0)
        {
            Log.LogError("{0} does not need the symbol version {1}; the TorchSharp compatibility step no longer fits it.", Source, Version);
            return false;
        }
        Directory.CreateDirectory(Path.GetDirectoryName(Destination));
        File.WriteAllBytes(Destination, elf);
        return true;
    }

    // Walks the chain of Elf64_Verneed records (one per library) and their Elf64_Vernaux records (one per version).
    private int Weaken(byte[] elf, int need, int strings)
    {
        int patched = 0;
        while (true)
        {
            int auxiliary = need + BitConverter.ToInt32(elf, need + 8);
            for (int left = BitConverter.ToUInt16(elf, need + 2); left > 0; left--)
            {
                if (ReadName(elf, strings + BitConverter.ToInt32(elf, auxiliary + 8)) == Version)
                {
                    BitConverter.GetBytes((ushort)(BitConverter.ToUInt16(elf, auxiliary + 4) | WeakFlag)).CopyTo(elf, auxiliary + 4);
                    patched++;
                }
                auxiliary += BitConverter.ToInt32(elf, auxiliary + 12);
            }
            int next = BitConverter.ToInt32(elf, need + 12);
            if (next == 0)
                return patched;
            need += next;
        }
    }

    private static string ReadName(byte[] elf, int offset)
    {
        int end = Array.IndexOf(elf, (byte)0, offset);
        return Encoding.ASCII.GetString(elf, offset, end - offset);
    }
}
